using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>What the engines' own configuration says of registries.</summary>
public sealed class RegistrySettingsTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("registry.test", "https://registry.test/v2/", false)]
    [InlineData("registry.test:5000", "https://registry.test:5000/v2/", false)]
    [InlineData("docker.io", "https://registry-1.docker.io/v2/", false)]
    [InlineData("localhost:5000", "https://localhost:5000/v2/ http://localhost:5000/v2/", true)]
    [InlineData("127.1.2.3", "https://127.1.2.3/v2/ http://127.1.2.3/v2/", true)]
    [InlineData("[::1]:5000", "https://[::1]:5000/v2/ http://[::1]:5000/v2/", true)]
    public void WithoutAnyConfiguration_OnlyLoopbackIsInsecure(string host, string addresses, bool isInsecure)
    {
        RegistryEndpoint endpoint = Assert.Single(new RegistrySettings(_folder.Path, []).EndpointsOf(host, false));
        Assert.Equal(addresses, string.Join(' ', endpoint.Addresses));
        Assert.Equal(isInsecure, endpoint.IsInsecure);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData("user@host")]
    [InlineData("a?b")]
    [InlineData("a b")]
    public void WhatIsNoHost_IsRefused(string host) => Assert.Throws<RegistryException>(() => new RegistrySettings(_folder.Path, []).EndpointsOf(host, false));

    [Theory]
    [InlineData("plain.test:5000", true)]
    [InlineData("PLAIN.test:5000", true)]
    [InlineData("plain.test", false)]
    [InlineData("10.1.2.3:5000", true)]
    [InlineData("10.2.2.3:5000", false)]
    public void DockersInsecureRegistries_AreTakenOver(string host, bool isInsecure)
    {
        _folder.File("daemon.json", """{"insecure-registries":["plain.test:5000","10.1.0.0/16"],"registry-mirrors":["https://mirror.test"]}""");
        Assert.Equal(isInsecure, Assert.Single(Docker().EndpointsOf(host, false)).IsInsecure);
    }

    [Fact]
    public void DockersMirrors_AreForItsHubAlone()
    {
        _folder.File("daemon.json", """{"registry-mirrors":["https://mirror.test","http://plain.test/"]}""");
        IReadOnlyList<RegistryEndpoint> endpoints = Docker().EndpointsOf("docker.io", false);
        Assert.Equal(["https://mirror.test/v2/", "http://plain.test/v2/", "https://registry-1.docker.io/v2/"], endpoints.Select(static e => e.Addresses[0].ToString()));
        Assert.Equal([false, false, true], endpoints.Select(static e => e.CanPush));
        Assert.Single(Docker().EndpointsOf("other.test", false));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[1]")]
    [InlineData("""{"registry-mirrors":["mirror"]}""")]
    public void ADamagedDaemonFile_IsTold(string text)
    {
        _folder.File("daemon.json", text);
        Assert.Throws<RegistryException>(() => Docker().EndpointsOf("docker.io", false));
    }

    [Fact]
    public void HostsToml_NamesServersInOrder()
    {
        _folder.Folder("registry.test");
        _folder.File("registry.test/hosts.toml", """
            server = "https://real.test"
            skip_verify = true
            [host."https://one.test/base"]
              capabilities = ["pull"]
              ca = "one.crt"
            [host."http://two.test:5000/v2"]
              ca = ["/a.crt", "b.crt"]
            [host."https://three.test/other"]
              override_path = true
            """);
        IReadOnlyList<RegistryEndpoint> found = Toml().EndpointsOf("registry.test", false);
        Assert.Equal(
            ["https://one.test/base/v2/", "http://two.test:5000/v2/", "https://three.test/other/", "https://real.test/v2/"],
            found.Select(static e => e.Addresses.Single().ToString()));
        Assert.Equal((true, false, false, false), (found[0].CanPull, found[0].CanResolve, found[0].CanPush, found[0].IsInsecure));
        Assert.Equal(Path.Combine(_folder.Path, "registry.test", "one.crt"), Assert.Single(found[0].Authorities));
        Assert.Equal("/a.crt", found[1].Authorities[0]);
        Assert.True(found[1].IsInsecure && found[3].IsInsecure && found[1].CanPush);
        Assert.Equal("registry.test", found[0].Namespace);
    }

    [Theory]
    [InlineData("registry.test:5000", "registry.test_5000_")]
    [InlineData("registry.test:5000", "registry.test:5000")]
    [InlineData("registry.test:5000", "_default")]
    [InlineData("docker.io", "docker.io")]
    public void TheFolder_IsFoundByEachName(string host, string folder)
    {
        _folder.Folder(folder);
        _folder.File($"{folder}/hosts.toml", "[host.\"https://mirror.test\"]\n");
        Assert.Equal("mirror.test", Toml().EndpointsOf(host, false)[0].Host);
    }

    [Fact]
    public void AFolderWithoutTheFile_HasAuthorities()
    {
        _folder.Folder("registry.test");
        _folder.File("registry.test/ca.crt", "x");
        Assert.EndsWith("registry.test/ca.crt", Assert.Single(Assert.Single(Toml().EndpointsOf("registry.test", false)).Authorities), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("server = [")]
    [InlineData("server = 1")]
    [InlineData("host = 1")]
    [InlineData("[host.\"ftp://x\"]")]
    [InlineData("capabilities = [1]")]
    [InlineData("\"\\ud8")]
    [InlineData("ca = { a = 1 }")]
    public void ADamagedHostsToml_IsTold(string text)
    {
        _folder.Folder("registry.test");
        _folder.File("registry.test/hosts.toml", text);
        RegistryException error = Assert.Throws<RegistryException>(() => Toml().EndpointsOf("registry.test", false));
        Assert.Contains("hosts.toml", error.Message, StringComparison.Ordinal);
    }

    private RegistrySettings Docker() => new("/nonexistent", [Path.Combine(_folder.Path, "daemon.json")]);

    private RegistrySettings Toml() => new(_folder.Path, []);
}
