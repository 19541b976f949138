using System.Runtime.Versioning;
using System.Text;
using Grpc.Core;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Auth;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Outputs;

/// <summary>What a session serves beside files, in its parts.</summary>
[SupportedOSPlatform("linux")]
public sealed class SessionPartTests
{
    // RFC 8032, section 7.1: tests 1 to 3.
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void Ed25519_SignsAsItsStandardSays(string seed, string message, string publicKey, string signature)
    {
        Assert.Equal(publicKey, Convert.ToHexStringLower(Ed25519.PublicKey(Convert.FromHexString(seed))));
        Assert.Equal(signature, Convert.ToHexStringLower(Ed25519.Sign(Convert.FromHexString(seed), Convert.FromHexString(message))));
    }

    [Fact]
    public void AgentMessages_OtherThanListingAndSigningDoNotPass()
    {
        for (int type = 0; type < 256; type++)
        {
            Assert.Equal(type is 11 or 13, SshAgentFilter.IsAllowed([0, 0, 0, 1, (byte)type]));
        }

        Assert.Null(SshAgentFilter.LengthOf([0, 0, 0]));
        Assert.Equal(5, SshAgentFilter.LengthOf([0, 0, 0, 1]));
        Assert.Throws<InvalidDataException>(() => SshAgentFilter.LengthOf([0, 0, 0, 0]));
        Assert.Throws<InvalidDataException>(() => SshAgentFilter.LengthOf([0x7F, 0, 0, 0]));
    }

    [Fact]
    public void DockersForms_AreRead()
    {
        BuildOutput output = BuildOutput.Parse("""type=oci,"dest=a,b.tar",name="x",annotation.k=a=b""");
        Assert.Equal(("oci", "a,b.tar"), (output.Type, output.Destination));
        Assert.Equal("a=b", output.Attributes["annotation.k"]);
        Assert.Equal((BuildOutput.Local, "out"), (BuildOutput.Parse("out").Type, BuildOutput.Parse("out").Destination));
        Assert.Equal((BuildOutput.Tar, "-"), (BuildOutput.Parse("-").Type, BuildOutput.Parse("-").Destination));
        Assert.Equal("r/a:c", BuildCache.Parse("r/a:c").Attributes["ref"]);
        Assert.Equal(["/k1", "/k2"], SshForward.Parse("id=/k1,/k2").Paths);
        Assert.Empty(SshForward.Parse("default").Paths);
        foreach (string bad in new[] { "dest=x", "type=oci,\"dest=x", "type=oci,dest", "type=oci,type=tar", "type=,dest=x" })
        {
            Assert.Throws<FormatException>(() => BuildOutput.Parse(bad));
        }
    }

    [Fact]
    public void Credentials_AreOnlyForRegistriesThatTheBuildNames()
    {
        RegistryHosts hosts = RegistryHosts.Of(new()
        {
            ContextPath = "/none",
            DockerfileText = "# syntax=syntax.test/dockerfile:1\nARG V=1\nFROM from.test:5000/a:${V} AS s\nCOPY --from=copy.test/b /x /\nFROM busybox\n",
            Tags = ["tag.test/app:1"],
            CacheFrom = [BuildCache.Parse("from-cache.test/app:cache")],
            CacheTo = [BuildCache.Parse("type=registry,ref=to-cache.test/app:cache")],
            Outputs = [BuildOutput.Parse("type=registry,\"name=out.test/a:1,out2.test/a:1\"")],
            RegistryCredentials = new Dictionary<string, RegistryCredential> { ["given.test"] = new("u", "p") },
        }, null);
        foreach (string host in new[] { "from.test:5000", "copy.test", "tag.test", "from-cache.test", "to-cache.test", "out.test", "out2.test", "given.test", "registry-1.docker.io" })
        {
            Assert.True(hosts.Contains(host), host);
        }

        foreach (string host in new[] { "evil.test", "from.test", "127.0.0.1:5000", "" })
        {
            Assert.False(hosts.Contains(host), host);
        }
    }

    [Theory]
    [InlineData("https://auth.test/token", "registry.test", true)]
    [InlineData("http://auth.test/token", "registry.test", false)]
    [InlineData("http://127.0.0.1:5001/token", "127.0.0.1:5000", true)]
    [InlineData("http://[::1]:5001/token", "localhost:5000", true)]
    [InlineData("http://127.0.0.1:5001/token", "registry.test", false)]
    [InlineData("http://auth.test/token", "127.0.0.1:5000", false)]
    [InlineData("https://user:pass@auth.test/token", "registry.test", false)]
    [InlineData("file:///etc/passwd", "registry.test", false)]
    public void Tokens_AreFetchedFromSafePlacesOnly(string realm, string host, bool allowed) => Assert.Equal(allowed, TokenFetcher.IsAllowed(new Uri(realm), host));

    [Fact]
    public async Task TokensRealm_ThatIsNotSafeIsRefused()
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => TokenFetcher.FetchAsync(
            new FetchTokenRequest { Host = "registry.test", Realm = "http://auth.test/token" }, new StoredCredential("u", "p", "", ""), TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
    }

    [Fact]
    public async Task DockersConfiguration_HasCredentialsTokensAndHelpers()
    {
        using TemporaryDirectory folder = new();
        string helper = Path.Combine(folder.Path, "docker-credential-ocbtest");
        await File.WriteAllTextAsync(helper, """
            #!/bin/sh
            read host
            case $host in
              helped.test) echo '{"ServerURL":"helped.test","Username":"h","Secret":"hs"}' ;;
              token.test) echo '{"ServerURL":"token.test","Username":"<token>","Secret":"it"}' ;;
              broken.test) echo '{"Secret":"secret-that-must-not-be-shown"}'; exit 1 ;;
              locked.test) echo 'the keychain is locked'; exit 1 ;;
              *) echo 'credentials not found in native keychain'; exit 1 ;;
            esac
            """, TestContext.Current.CancellationToken);
        File.SetUnixFileMode(helper, (UnixFileMode)0x1ED);
        string auth = Convert.ToBase64String(Encoding.UTF8.GetBytes("a:b:c"));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "config.json"), $$"""
            { "auths": {
                "plain.test": { "auth": "{{auth}}" }, "https://old.test/v1/": { "auth": "{{auth}}" },
                "identity.test": { "identitytoken": "id" }, "https://index.docker.io/v1/": { "auth": "{{auth}}" } },
              "credHelpers": { "helped.test": "ocbtest", "token.test": "ocbtest", "broken.test": "ocbtest", "locked.test": "ocbtest", "bad.test": "../x" } }
            """, TestContext.Current.CancellationToken);
        string? path = Environment.GetEnvironmentVariable("PATH");
        Environment.SetEnvironmentVariable("PATH", folder.Path + ":" + path);
        try
        {
            DockerConfigFile config = DockerConfigFile.Read(folder.Path);
            Task<StoredCredential?> Find(string host) => config.FindAsync(RegistryHosts.KeyOf(host), TestContext.Current.CancellationToken);
            Assert.Equal(new StoredCredential("a", "b:c", "", ""), await Find("plain.test"));
            Assert.Equal(new StoredCredential("a", "b:c", "", ""), await Find("old.test"));
            Assert.Equal(new StoredCredential("a", "b:c", "", ""), await Find("registry-1.docker.io"));
            Assert.Equal("id", (await Find("identity.test"))!.Secret);
            Assert.Equal(new StoredCredential("h", "hs", "", ""), await Find("helped.test"));
            Assert.Equal("it", (await Find("token.test"))!.IdentityToken);
            Assert.Null(await Find("unknown.test"));
            Assert.DoesNotContain("secret-that", (await Assert.ThrowsAsync<RegistryCredentialException>(() => Find("broken.test"))).ToString(), StringComparison.Ordinal);
            Assert.Contains("failed for 'locked.test': the keychain is locked.", (await Assert.ThrowsAsync<RegistryCredentialException>(() => Find("locked.test"))).Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<RegistryCredentialException>(() => Find("bad.test"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
        }
    }

    [Fact]
    public void TokensInAttributes_AreHidden()
    {
        ImageBuildRequest build = new() { ContextPath = "/", CacheTo = [BuildCache.Parse("type=gha,token=abcdef123,scope=main,url=http://x")] };
        Assert.Equal("bad *** for main", AttributeSecrets.Hide("bad abcdef123 for main", build));
        Assert.DoesNotContain("abcdef123", build.CacheTo[0].ToString(), StringComparison.Ordinal);
    }
}
