using OpenCloud.Build.Definitions.Model;
using Xunit;

namespace OpenCloud.Build.Definitions.Tests.Bake;

/// <summary>A definition from elsewhere: its contexts are there, and it gets nothing of this machine unasked.</summary>
public sealed class BakeRemoteTests
{
    private const string Repository = "https://host.local/a.git";

    [Theory]
    [InlineData(Repository, "api", "https://host.local/a.git#:api")]
    [InlineData(Repository, ".", Repository)]
    [InlineData(Repository, "./x/../api/", "https://host.local/a.git#:api")]
    [InlineData(Repository, "../../etc", "https://host.local/a.git#:etc")]
    [InlineData(Repository, "/srv", "https://host.local/a.git#:srv")]
    [InlineData("https://host.local/a.git#main", "api", "https://host.local/a.git#main:api")]
    [InlineData("https://host.local/a.git#main:sub/", "api", "https://host.local/a.git#main:sub/api")]
    [InlineData("https://host.local/a.git#main:sub", ".", "https://host.local/a.git#main:sub")]
    [InlineData("https://host.local/a.git?branch=b&subdir=s%20t", "a b", "https://host.local/a.git?branch=b&subdir=s%20t%2Fa%20b")]
    [InlineData("https://host.local/a.git?branch=b", "api", "https://host.local/a.git?branch=b#:api")]
    [InlineData("git@host.local:a/b", "api", "git@host.local:a/b#:api")]
    [InlineData(Repository, "https://other.local/b.git", "https://other.local/b.git")]
    [InlineData(Repository, "cwd://", "/work/project")]
    [InlineData(Repository, "cwd://../x", "/work/x")]
    public void ContextsAreInTheRepository(string address, string context, string place)
    {
        string field = context.StartsWith("cwd", StringComparison.Ordinal) ? "dockerfile-inline = \"FROM scratch\"" : string.Empty;
        BuildDefinition build = Read(address, $"context = \"{context}\"\n{field}\ncontexts = {{ other = \"{context}\" }}");
        Assert.Equal(place, build.LiteralPath);
        Assert.Equal(place, build.BuildContext!["other"]);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("context = \"../../root\"", "")]
    [InlineData("context = \"cwd://\"\ndockerfile-inline = \"FROM scratch\"", "fs.read=/work/project")]
    [InlineData("context = BAKE_CMD_CONTEXT\ndockerfile-inline = \"FROM scratch\"", "fs.read=/work/project")]
    [InlineData("dockerfile = \"cwd://Dockerfile\"", "fs.read=/work/project/Dockerfile")]
    [InlineData("dockerfile = \"/etc/Dockerfile\"", "fs.read=/etc/Dockerfile")]
    [InlineData("contexts = { a = \"cwd://src\" }", "fs.read=/work/project/src")]
    [InlineData("contexts = { a = \"oci-layout://lay\" }", "fs.read=/work/project/lay")]
    [InlineData("secret = [\"id=a,src=token\"]", "fs.read=/work/project/token")]
    [InlineData("cache-from = [\"type=local,src=cache\"]", "fs.read=/work/project/cache")]
    [InlineData("output = [\"out\"]", "fs.write=/work/project/out")]
    [InlineData("ssh = [\"default\"]", "ssh")]
    [InlineData("network = \"host\"", "network.host")]
    public void NothingOfThisMachineIsGivenUnasked(string fields, string privileges) => Assert.Equal(privileges, string.Join(' ', Read(Repository, fields).Privilege));

    [Fact]
    public void ASingleFileHasItsPathsHere()
    {
        BuildDefinition build = Read(new DefinitionOrigin { Address = "https://host.local/docker-bake.hcl", IsSingleFile = true }, "context = \"api\"");
        Assert.Equal(("/work/project/api", "fs.read=/work/project/api"), (build.LiteralPath, Assert.Single(build.Privilege)));
    }

    [Theory]
    [InlineData("context = \"cwd://\"", "Dockerfile")]
    [InlineData("context = \"cwd://\"\ndockerfile = \"x/Dockerfile\"", "Dockerfile")]
    public void ADockerfileFromThereWithAContextFromHereIsRefused(string fields, string word) =>
        Assert.Contains(word, Assert.Throws<DefinitionException>(() => Read(Repository, fields)).Message, StringComparison.Ordinal);

    [Fact]
    public void ADirectoryOfAnArchiveIsRefused()
    {
        DefinitionOrigin archive = new() { Address = "https://host.local/a.tgz" };
        Assert.Equal(archive.Address, Read(archive, "").LiteralPath);
        Assert.Contains("'api'", Assert.Throws<DefinitionException>(() => Read(archive, "context = \"api\"")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Repository, "x", "GIT_AUTH_TOKEN.host.local")]
    [InlineData(Repository, "https://other.local/b.git", "")]
    [InlineData("http://host.local/a.git", "x", "")]
    public void ATokenGoesToItsServerOnly(string address, string context, string secrets)
    {
        BuildDefinition build = Read(new DefinitionOrigin { Address = address, IsGit = true }, $"context = \"{context}\"", static name => name == "BUILDX_BAKE_GIT_AUTH_TOKEN" ? "t" : null);
        Assert.Equal(secrets, string.Join(' ', build.Secret?.Keys ?? []));
    }

    [Fact]
    public void ARepositoryOverSshAsksForTheAgent()
    {
        BuildDefinition build = Read("git@host.local:a/b", "");
        Assert.Equal(("default", "ssh"), (Assert.Single(build.Ssh!), Assert.Single(build.Privilege)));
    }

    [Fact]
    public void AComposeFileIsReadAsBakeReadsIt()
    {
        DefinitionOptions options = Reading.Options() with { Origin = new() { Address = Repository, IsGit = true } };
        BuildDefinition build = Assert.Single(BuildDefinitions.Read([new DefinitionSource("compose.yaml", "services:\n  api:\n    build:\n      context: ./api\n      secrets: [s]\nsecrets:\n  s: { file: ./token }\n")], options));
        Assert.Equal("https://host.local/a.git#:api", build.LiteralPath);
        Assert.Equal(["fs.read=/work/project/token"], build.Privilege);
    }

    private static BuildDefinition Read(string address, string fields) => Read(new DefinitionOrigin { Address = address, IsGit = true }, fields);

    private static BuildDefinition Read(DefinitionOrigin origin, string fields, Func<string, string?>? environment = null) => Assert.Single(BuildDefinitions.Read(
        [new DefinitionSource("docker-bake.hcl", $"target \"default\" {{\n{fields}\n}}")],
        Reading.Options() with { Origin = origin, Environment = environment ?? (static _ => null) }));
}
