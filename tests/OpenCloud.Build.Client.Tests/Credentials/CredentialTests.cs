using Grpc.Core;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Credentials;

/// <summary>Credentials that age, that are withheld, and that cannot be had.</summary>
public sealed class CredentialTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CredentialsThatWereAskedForLongAgo_AreAskedForAgain()
    {
        using TemporaryDirectory folder = new();
        SteppedClock clock = new();
        Write(folder, "first");
        AuthService service = new(Hosts("a.test/x"), new Dictionary<string, RegistryCredential>(), folder.Path, clock);
        Assert.Equal("first", (await service.FindAsync("a.test", Token)).Password);

        Write(folder, "second");
        clock.Advance(TimeSpan.FromSeconds(280));
        Assert.Equal("first", (await service.FindAsync("a.test", Token)).Password);
        clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal("second", (await service.FindAsync("a.test", Token)).Password);
    }

    [Fact]
    public async Task CredentialsThatCouldNotBeHad_AreAskedForAgain()
    {
        using TemporaryDirectory folder = new();
        File.WriteAllText(Path.Combine(folder.Path, "config.json"), "{ broken");
        AuthService service = new(Hosts("a.test/x"), new Dictionary<string, RegistryCredential>(), folder.Path, new SteppedClock());
        await Assert.ThrowsAsync<RpcException>(() => service.FindAsync("a.test", Token));
        Assert.IsType<RegistryCredentialException>(service.Failure);
        Write(folder, "mended");
        Assert.Equal("mended", (await service.FindAsync("a.test", Token)).Password);
    }

    [Fact]
    public async Task RegistriesWithCredentialsThatTheBuildDoesNotName_AreNoted()
    {
        using TemporaryDirectory folder = new();
        Write(folder, "kept");
        AuthService service = new(Hosts("other.test/x"), new Dictionary<string, RegistryCredential>(), folder.Path);
        Assert.True((await service.FindAsync("a.test", Token)).IsEmpty);
        Assert.True((await service.FindAsync("stranger.test", Token)).IsEmpty);
        Assert.Equal(["a.test"], service.Withheld);

        AuthService allowed = new(
            RegistryHosts.Of(new() { ContextPath = "/none", DockerfileText = "FROM scratch", RegistryHosts = ["a.test"] }, null), new Dictionary<string, RegistryCredential>(), folder.Path);
        Assert.Equal("kept", (await allowed.FindAsync("a.test", Token)).Password);
        Assert.Empty(allowed.Withheld);
    }

    [Fact]
    public void WhatABuildNames_IsFoundInOddPlaces()
    {
        using TemporaryDirectory folder = new();
        string archive = Path.Combine(folder.Path, "context.tar.gz");
        folder.Folder("context");
        folder.File("context/Dockerfile", "FROM archive.test/x\n");
        using (FileStream file = File.Create(archive))
        using (System.IO.Compression.GZipStream zip = new(file, System.IO.Compression.CompressionMode.Compress))
        {
            System.Formats.Tar.TarFile.CreateFromDirectory(Path.Combine(folder.Path, "context"), zip, includeBaseDirectory: false);
        }

        RegistryHosts hosts = RegistryHosts.Of(new()
        {
            ContextPath = archive,
            NamedContexts = new Dictionary<string, string> { ["n"] = "docker-image:named.test/x" },
            SourcePolicy = SourcePolicy.Parse("""
                { "rules": [
                    { "action": "CONVERT", "selector": { "identifier": "docker-image://docker.io/*" }, "updates": { "identifier": "docker-image://policy.test/${1}" } },
                    { "action": "CONVERT", "selector": { "identifier": "docker-image://x.test/y" }, "updates": { "identifier": "docker-image://whole.test/z:1" } } ] }
                """),
        }, null);
        foreach (string host in (string[])["archive.test", "named.test", "policy.test", "whole.test"])
        {
            Assert.True(hosts.Contains(host), host);
        }

        Assert.False(hosts.Contains("x.test"));
        RegistryHosts instructions = RegistryHosts.Of(new()
        {
            ContextPath = "/none",
            DockerfileText = "FROM scratch\nONBUILD COPY --from=onbuild.test/x / /\nRUN --mount=type=bind,FROM=mount.test/y,target=/m true\n",
        }, null);
        Assert.True(instructions.Contains("onbuild.test"));
        Assert.True(instructions.Contains("mount.test"));
    }

    private static RegistryHosts Hosts(string image) => RegistryHosts.Of(new() { ContextPath = "/none", DockerfileText = $"FROM {image}\n" }, null);

    private static void Write(TemporaryDirectory folder, string password)
    {
        string auth = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("user:" + password));
        File.WriteAllText(Path.Combine(folder.Path, "config.json"), $$"""{ "auths": { "a.test": { "auth": "{{auth}}" } } }""");
    }
}
