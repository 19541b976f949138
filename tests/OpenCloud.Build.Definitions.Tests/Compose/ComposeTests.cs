using OpenCloud.Build.Definitions.Model;
using Xunit;

namespace OpenCloud.Build.Definitions.Tests.Compose;

/// <summary>Tests the builds that Compose files define.</summary>
public sealed class ComposeTests
{
    [Fact]
    public void FieldsBecomeParameters()
    {
        BuildDefinition build = Assert.Single(Reading.Compose("""
            name: shop
            services:
              api:
                platform: linux/arm64
                build:
                  context: ./api
                  args: { A: 1 }
                  secrets: [{ source: token, target: tok }]
                  ssh: [default]
                  privileged: true
                  tags: [more]
                  shm_size: 1g
                  ulimits: { nofile: 5 }
                  no_cache_filter: one
            secrets:
              token: { file: ./t.txt }
            """));
        Assert.Equal("api", build.Name);
        Assert.Equal("/work/project/api", build.LiteralPath);
        Assert.Equal(["shop-api", "more"], build.Tag!);
        Assert.Equal("file:/work/project/t.txt", build.Secret!["tok"]);
        Assert.Equal(["security.insecure"], build.Allow!);
        Assert.Equal(["linux/arm64"], build.Platform!);
        Assert.Equal(1L << 30, build.ShmSize);
        Assert.Equal("5:5", build.Ulimit!["nofile"]);
        Assert.Equal(["one"], build.NoCacheFilter!);
        Assert.Empty(build.Privilege);
    }

    [Fact]
    public void TheProjectIsNamedAsTheDirectory() => Assert.Equal(["project-a"], Assert.Single(Reading.Compose("services: { a: { build: . } }")).Tag!);

    [Fact]
    public void WhatAServiceTakesComesFirstAndIsBuiltToo()
    {
        IReadOnlyList<BuildDefinition> builds = Reading.Compose("""
            services:
              app: { build: { context: ., additional_contexts: { base: "service:base" } } }
              base: { build: ./base, profiles: [never] }
              other: { build: . }
            """, "app");
        Assert.Equal(["base", "app"], builds.Select(static b => b.Name));
        Assert.Equal("target:base", builds[1].BuildContext!["base"]);
        Assert.Equal(["base"], builds[1].DependsOn);
    }

    [Fact]
    public void AServiceThatIsNamedNeedsNoProfile() => Assert.Equal("a", Assert.Single(Reading.Compose("services: { a: { build: ., profiles: [x] }, b: { build: . } }", "a")).Name);

    [Theory]
    [InlineData("services:\n  a:\n    build:\n      contxt: .", 4, "contxt")]
    [InlineData("services:\n  a:\n    iamge: x", 3, "iamge")]
    [InlineData("sevices:\n  a: {}", 2, "sevices")]
    [InlineData("services:\n  a:\n    build: &x\n      args: *y", 4, "'y'")]
    [InlineData("services:\n  a:\n    build: { args: { A: \"${B:?say it}\" } }", 3, "say it")]
    [InlineData("services:\n  a:\n    build: { args: { A: \"${}\" } }", 3, "does not name a variable")]
    [InlineData("services:\n  a:\n    build: { args: { A: \"${B\" } }", 3, "not closed")]
    [InlineData("services:\n  a:\n    build: { no_cache: maybe }", 3, "no_cache")]
    [InlineData("services:\n  a:\n    build: { shm_size: big }", 3, "big")]
    [InlineData("services:\n  a: { build: . }\n  b: { build: { additional_contexts: { x: \"service:zz\" } } }", 3, "zz")]
    [InlineData("services:\n  a: { build: { additional_contexts: { x: \"service:b\" } } }\n  b: { build: { additional_contexts: { x: \"service:a\" } } }", 2, "itself")]
    [InlineData("a: 1\na: 2", 2, "line 1")]
    public void WhatIsWrongIsRefusedByLineAndName(string text, int line, string word)
    {
        DefinitionException refused = Reading.RefusedCompose(text);
        Assert.Equal(line, refused.Line);
        Assert.Contains(word, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AliasBombsAreRefused()
    {
        List<string> lines = ["x0: &x0 { a: 1, b: 2 }"];
        for (int i = 1; i < 40; i++)
        {
            lines.Add($"x-{i}: &x{i} [*x{i - 1}, *x{i - 1}, *x{i - 1}, *x{i - 1}]");
        }

        lines[0] = "x-0: &x0 { a: 1, b: 2 }";
        lines.Add("services: { a: { build: . } }");
        Assert.Contains("too many parts", Reading.RefusedCompose(string.Join('\n', lines)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MergeBombsAreRefused()
    {
        List<string> lines = ["x-0: &x0 {" + string.Join(", ", Enumerable.Range(0, 2000).Select(static i => $"k{i}: 1")) + "}"];
        for (int i = 1; i < 200; i++)
        {
            lines.Add($"x-{i}: &x{i} {{ <<: [{string.Join(", ", Enumerable.Repeat($"*x{i - 1}", 10))}] }}");
        }

        Assert.Contains("too many values", Reading.RefusedCompose(string.Join('\n', lines)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    public void DepthIsRefused(string part) => Reading.RefusedCompose("x-a: " + string.Concat(Enumerable.Repeat(part, 20_000)));

    [Fact]
    public void DefaultsHaveADepth() => Reading.RefusedCompose(
        "services: { a: { build: { args: { A: \"" + string.Concat(Enumerable.Repeat("${B:-", 200)) + new string('}', 200) + "\" } } } }");

    [Fact]
    public void UnsetVariablesAreTold()
    {
        List<string> told = [];
        DefinitionOptions options = Reading.Options() with { Warn = told.Add };
        BuildDefinitions.Read([new DefinitionSource("compose.yaml", "services: { a: { build: { args: { A: \"${X}$X${Y:-d}\" } } } }") { FullPath = "/work/project/compose.yaml" }], options);
        Assert.Contains("'X'", Assert.Single(told), StringComparison.Ordinal);
    }

    [Fact]
    public void ChangesAreForComposeToo()
    {
        DefinitionOptions options = Reading.Options() with { Overrides = ["a.args.A=2", "*.platform=linux/s390x"] };
        BuildDefinition build = Assert.Single(BuildDefinitions.Read([new DefinitionSource("compose.yaml", "services: { a: { build: { args: { A: 1 } } } }") { FullPath = "/work/project/compose.yaml" }], options));
        Assert.Equal("2", build.BuildArg!["A"]);
        Assert.Equal(["linux/s390x"], build.Platform!);
    }
}
