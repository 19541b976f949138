using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Credentials;

/// <summary>A host is the same with and without the port of HTTPS and in any case, wherever a login is saved, found and removed.</summary>
public sealed class RegistryLoginTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("r.example")]
    [InlineData("R.Example")]
    [InlineData("r.example:443")]
    public async Task ALogin_ReplacesThatOfAnotherSpelling_AndIsFoundAndRemovedByEach(string saved)
    {
        using TemporaryDirectory folder = new();
        string file = Path.Combine(folder.Path, "config.json");
        await File.WriteAllTextAsync(file, """{"auths":{"R.example:443":{"auth":"bWU6b2xk"},"other.example":{"auth":"bWU6a2VwdA=="}}}""", Token);
        await RegistryLogins.SaveAsync(folder.Path, saved, new RegistryCredential("me", "new"), Token);
        foreach (string host in new[] { "r.example", "R.EXAMPLE", "r.example:443" })
        {
            Assert.Equal("new", (await DockerConfigFile.Read(folder.Path).FindAsync(host, Token))?.Password);
            Assert.True(DockerConfigFile.Read(folder.Path).Names(host));
        }

        Assert.True(await RegistryLogins.RemoveAsync(folder.Path, "r.Example:443", Token));
        Assert.Equal(["other.example"], RegistryLogins.List(folder.Path));
    }

    [Theory]
    [InlineData("r.example", "R.example:443")]
    [InlineData("r.example:443", "r.example")]
    [InlineData("docker.io", "index.docker.io")]
    public async Task AGivenCredential_IsFoundByAnySpellingOfItsHost(string given, string asked)
    {
        using TemporaryDirectory folder = new();
        Dictionary<string, RegistryCredential> credentials = new() { [given] = new RegistryCredential("me", "secret") };
        RegistryHosts hosts = RegistryHosts.Of(new() { ContextPath = "/none", DockerfileText = "FROM scratch", RegistryCredentials = credentials }, null);
        AuthService service = new(hosts, credentials, folder.Path);
        Assert.Equal("secret", (await service.FindAsync(asked, Token)).Secret);
    }

    [Theory]
    [InlineData("r.example", "r.example:443", true)]
    [InlineData("r.example:443", "R.EXAMPLE", true)]
    [InlineData("docker.io", "registry-1.docker.io", true)]
    [InlineData("r.example:5000", "r.example", false)]
    [InlineData("r.example:443", "r.example:4430", false)]
    public void Hosts_AreComparedWithoutCaseAndThePortOfHttps(string one, string other, bool areSame)
    {
        Assert.Equal(areSame, RegistryHosts.Comparer.Equals(one, other));
        Assert.Equal(areSame, new HashSet<string>(RegistryHosts.Comparer) { one }.Contains(other));
    }
}
