using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Images.References;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Dockerfiles;

public sealed class DockerfileTextTests
{
    [Theory]
    [InlineData("FROM scratch")]
    [InlineData("from scratch")]
    [InlineData("FrOm\tscratch\n")]
    [InlineData("\uFEFFFROM scratch\r\n")]
    [InlineData("\uFEFF# syntax=docker/dockerfile:1\n# comment\n\nARG A=1\nFROM scratch")]
    [InlineData("   # indented comment\n   FROM scratch")]
    [InlineData("FROM \\\n  # comment in between\n\n scratch")]
    [InlineData("FR\\\nOM scratch")]
    [InlineData("# escape=`\nFROM `\nscratch\nCOPY c:\\ d:\\\n")]
    [InlineData("# ESCAPE = ` \n# check=skip=all\nFROM `\nscratch")]
    [InlineData("#!/usr/bin/env builder\n# syntax=docker/dockerfile:1\nFROM scratch")]
    [InlineData("FROM --platform=linux/amd64 scratch")]
    [InlineData("FROM scratch\nLABEL a=\"FROM x AS 1\"")]
    [InlineData("FROM scratch\nSOMETHING new")]
    public void Finds_the_one_stage(string text)
    {
        DockerfileStage stage = Assert.Single(DockerfileText.Parse(text).Stages);
        Assert.Equal("scratch", stage.Base);
    }

    [Fact]
    public void Reads_stages_with_names_platforms_and_lines()
    {
        DockerfileText file = DockerfileText.Parse("""
            ARG BASE=busybox
            # the first
            FROM --platform=$BUILDPLATFORM ${BASE}:1 AS Build
            RUN echo 1 && \
                echo 2

            FROM build as next
            FROM scratch
            """);
        Assert.Equal(
            [new(0, "build", "${BASE}:1", "$BUILDPLATFORM", 3), new(1, "next", "build", null, 7), new(2, null, "scratch", null, 8)],
            file.Stages);
        Assert.Equal([new DockerfileArgument("BASE", "busybox", 1)], file.GlobalArguments);
        Assert.Equal(0, file.FindStage("BUILD")!.Index);
        Assert.Equal(2, file.FindStage("2")!.Index);
        Assert.Null(file.FindStage("3"));
        Assert.Null(file.FindStage("-1"));
        Assert.Null(file.FindStage("nothing"));
    }

    [Theory]
    [InlineData("RUN <<EOF\nFROM x\nEOF\n")]
    [InlineData("RUN <<-EOF\n\tFROM x\n\tEOF\n")]
    [InlineData("RUN <<'EOF'\nFROM x\nEOF\n")]
    [InlineData("RUN <<-\"EOF\"\nFROM x\n\t\tEOF\n")]
    [InlineData("RUN << EOF\nFROM x\nEOF\n")]
    [InlineData("RUN 3<<EOF cat\nFROM x\nEOF\n")]
    [InlineData("COPY <<a.txt <<b.txt /\nFROM x\na.txt\nFROM y\nb.txt\n")]
    [InlineData("copy --chmod=755 <<EOF \\\n /x\nFROM x\nEOF\n")]
    [InlineData("ADD <<EOF /x\r\nFROM x\r\nEOF\r\n")]
    [InlineData("ONBUILD RUN <<EOF\nFROM x\nEOF\n")]
    [InlineData("RUN python3 <<EOF && echo \"${X:-y}\"\nFROM x\nEOF\n")]
    public void Passes_over_here_documents(string body) =>
        Assert.Single(DockerfileText.Parse("FROM scratch\n" + body + "RUN true").Stages);

    [Theory]
    [InlineData("RUN [\"echo\", \"<<EOF\"]\n")]
    [InlineData("RUN echo '<<EOF'\n")]
    [InlineData("RUN echo \\<<EOF\n")]
    [InlineData("RUN cat <<<EOF\n")]
    [InlineData("ENV X=<<EOF\n")]
    [InlineData("RUN echo $((1<<2<<3))\n")]
    [InlineData("RUN echo \"it's <<EOF\n")]
    public void Takes_nothing_else_for_a_here_document(string body) =>
        Assert.Equal(2, DockerfileText.Parse("FROM scratch\n" + body + "FROM scratch\n").Stages.Count);

    [Theory]
    [InlineData("", 1, "no instructions")]
    [InlineData("# only a comment", 1, "no instructions")]
    [InlineData("ARG A=1", 1, "no FROM")]
    [InlineData("\n\nRUN true\nFROM scratch", 3, "RUN is not allowed before the first FROM")]
    [InlineData("FROM", 1, "FROM requires")]
    [InlineData("FROM a b", 1, "FROM requires")]
    [InlineData("FROM a AS", 1, "FROM requires")]
    [InlineData("FROM a AS b c", 1, "FROM requires")]
    [InlineData("FROM a AS 1b", 1, "Invalid stage name '1b'")]
    [InlineData("# escape=x\nFROM scratch", 1, "Invalid escape character 'x'")]
    [InlineData("# escape=`\n# escape=`\nFROM scratch", 2, "'escape' is used twice")]
    public void Says_what_is_wrong_and_where(string text, int line, string reason)
    {
        DockerfileException exception = Assert.Throws<DockerfileException>(() => DockerfileText.Parse(text));
        Assert.Contains(reason, exception.Reason, StringComparison.Ordinal);
        Assert.Equal(line, exception.Line);
    }

    [Theory]
    [InlineData("# syntax=docker/dockerfile:1\nFROM scratch", "docker/dockerfile:1")]
    [InlineData("#syntax = mirror.local:5000/docker/dockerfile:1.7 extra\nFROM scratch", "mirror.local:5000/docker/dockerfile:1.7")]
    [InlineData("# check=skip=all\n# syntax=docker/dockerfile-upstream:master\nFROM scratch", "docker/dockerfile-upstream:master")]
    [InlineData("# comment\n# syntax=docker/dockerfile:1\nFROM scratch", null)]
    [InlineData("\n# syntax=docker/dockerfile:1\nFROM scratch", null)]
    public void Finds_the_frontend(string text, string? syntax)
    {
        DockerfileText file = DockerfileText.Parse(text);
        Assert.Equal(syntax, file.Syntax);
        Assert.True(file.IsDockerfile);
    }

    [Theory]
    [InlineData("# syntax=tonistiigi/pack\nkind: app\n")]
    [InlineData("#!/bin/x\n# syntax=r.io/hlb\nfs default() {}\n")]
    [InlineData("// syntax=r.io/hlb\nfs default() {}\n")]
    [InlineData("{ \"syntax\": \"r.io/json\", \"x\": 1 }")]
    public void Leaves_other_languages_to_their_frontend(string text)
    {
        DockerfileText file = DockerfileText.Parse(text);
        Assert.False(file.IsDockerfile);
        Assert.Empty(file.Stages);
        Assert.Empty(file.FindImages());
    }

    [Fact]
    public void Finds_the_images_with_variables_expanded()
    {
        DockerfileText file = DockerfileText.Parse("""
            ARG REGISTRY=r.io
            ARG TAG="1.0" OTHER='x'
            ARG FULL=${REGISTRY}/base:${TAG}
            ARG UNSET
            FROM ${FULL} AS one
            FROM $REGISTRY/b:${UNSET:-2}${UNSET:+no} AS two
            FROM --platform=$TARGETPLATFORM r.io/c-${TARGETARCH}:${TAG%.*}
            COPY --from=one / /
            COPY --from=0 / /
            COPY --from=r.io/tools:3 / /
            RUN --mount=type=bind,from=r.io/mounted,target=/m --mount=type=cache,target=/c true
            FROM ${UNSET?missing}
            FROM scratch
            FROM r.io/tools:3
            """);
        Platform arm = Platform.Parse("linux/arm64");
        Assert.Equal(["r.io/base:1.0", "r.io/b:2", "r.io/c-arm64:1", "r.io/tools:3", "r.io/mounted"], file.FindImages(target: arm));
        Assert.Equal(
            ["m.io/base:7", "m.io/b:5no", "r.io/c-arm64:7", "r.io/tools:3", "r.io/mounted", "5"],
            file.FindImages(new Dictionary<string, string> { ["REGISTRY"] = "m.io", ["TAG"] = "7", ["UNSET"] = "5" }, arm)
                .Append("5"));
    }

    [Theory]
    [InlineData("${V#*/}", "b/c.tar.gz")]
    [InlineData("${V##*/}", "c.tar.gz")]
    [InlineData("${V%.*}", "a/b/c.tar")]
    [InlineData("${V%%.*}", "a/b/c")]
    [InlineData("${V/b/x}", "a/x/c.tar.gz")]
    [InlineData("${V//\\//-}", "a-b-c.tar.gz")]
    [InlineData("${V/?\\/b/x}", "x/c.tar.gz")]
    [InlineData("${V:-x}", "a/b/c.tar.gz")]
    [InlineData("${N:-x}", "x")]
    [InlineData("${N-${V}}", "a/b/c.tar.gz")]
    [InlineData("${E-x}", "")]
    [InlineData("${E:-x}", "x")]
    [InlineData("${V:+x}", "x")]
    [InlineData("'$V'", "$V")]
    [InlineData("\"<$E>\"", "<>")]
    [InlineData("\\$V", "$V")]
    [InlineData("$", "$")]
    [InlineData("${N?}", null)]
    [InlineData("${V", null)]
    [InlineData("${}", null)]
    [InlineData("${V^}", null)]
    [InlineData("${V#\\x}", null)]
    [InlineData("'", null)]
    public void Expands_words(string word, string? expected)
    {
        Dictionary<string, string> variables = new() { ["V"] = "a/b/c.tar.gz", ["E"] = "" };
        DockerfileLexer lexer = new('\\') { Lookup = variables.GetValueOrDefault };
        Assert.Equal(expected is not null, lexer.TryExpand(word, out string? expanded));
        Assert.Equal(expected, expanded);
    }

    [Fact]
    public void Any_text_is_read_or_refused()
    {
        Gen<string> piece = Gen.Elements(
            "FROM ", "from a AS b", "ARG A=${B:-c}", "RUN <<EOF", "EOF", "COPY --from=a b c", "\\", "`", "# syntax=", "# escape=`", "\n", "\r\n", "\t", "'", "\"", "$", "${", "}",
            "<<", "-", "[\"a\"]", "ONBUILD ", "--", "\uFEFF", "x", " ");
        Prop.ForAll(Gen.OneOf(piece.ListOf().Select(static p => string.Concat(p)), ArbMap.Default.GeneratorFor<string>()).ToArbitrary(), static text =>
        {
            try
            {
                DockerfileText file = DockerfileText.Parse(text ?? "");
                return !file.IsDockerfile || (file.Stages.Count > 0 && file.FindImages() is not null);
            }
            catch (DockerfileException exception)
            {
                return exception.Line >= 1 && exception.Reason.Length > 0;
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
    }
}
