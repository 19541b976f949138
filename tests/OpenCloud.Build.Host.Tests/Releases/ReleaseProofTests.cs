using System.Text;
using OpenCloud.Build.Host.Releases;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Releases;

public sealed class ReleaseProofTests
{
    private const string Hash = "a07a01da821d39bdb6e03a2f98ee407bb861cc61ece2e69e2ea4d61b3a4ab7f1";

    [Fact]
    public void Provenance_NamesItsSubject_BareOrInAnEnvelope()
    {
        string statement = $$"""
            {"_type":"https://in-toto.io/Statement/v0.1","subject":[
              {"name":"other.tar.gz","digest":{"sha256":"00"} },
              {"name":"a.tar.gz","digest":{"sha256":"{{Hash.ToUpperInvariant()}}"} } ]}
            """;
        Assert.Equal(Hash, ReleaseProvenance.SubjectSha256(Encoding.UTF8.GetBytes(statement), "a.tar.gz"));
        Assert.Null(ReleaseProvenance.SubjectSha256(Encoding.UTF8.GetBytes(statement), "b.tar.gz"));
        string envelope = $$"""{"payloadType":"application/vnd.in-toto+json","payload":"{{Convert.ToBase64String(Encoding.UTF8.GetBytes(statement))}}"}""";
        Assert.Equal(Hash, ReleaseProvenance.SubjectSha256(Encoding.UTF8.GetBytes(envelope), "a.tar.gz"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"subject":7}""")]
    [InlineData("""{"payload":"!"}""")]
    public void Provenance_ThatIsNone_IsAnIntegrityError(string text)
        => Assert.Equal(HostErrorKind.Integrity, Assert.Throws<HostException>(() => ReleaseProvenance.SubjectSha256(Encoding.UTF8.GetBytes(text), "a")).Kind);

    [Fact]
    public void AssetDigest_IsFound()
    {
        byte[] release = Encoding.UTF8.GetBytes($$"""{"assets":[{"name":"old.tar.gz","digest":null},{"name":"a.tar.gz","digest":"sha256:{{Hash}}"}]}""");
        Assert.Equal(Hash, ReleaseProvenance.AssetSha256(release, "a.tar.gz"));
        Assert.Null(ReleaseProvenance.AssetSha256(release, "old.tar.gz"));
    }

    [Fact]
    public void Versions_AreOrdered()
    {
        string[] sorted = ["v0.16.0", "v0.28.1", "v0.32.2-rc1", "v0.32.2", "v0.33.0", "v1.0.0"];
        Assert.Equal(sorted, sorted.Reverse().Select(BuildKitVersion.Parse).Order().Select(version => version.ToString()));
        foreach (string bad in (string[])["", "latest", "v1", "v0.16.0/../..", "v0.16.0\n", "v0.16.0-a/b"])
        {
            Assert.Equal(HostErrorKind.InvalidInput, Assert.Throws<HostException>(() => BuildKitVersion.Parse(bad)).Kind);
        }
    }

    [Fact]
    public void KnownReleases_HaveBothProcessors_AndTheDefaultIsKnownAndFreeOfAdvisories()
    {
        foreach (string architecture in (string[])["amd64", "arm64"])
        {
            Assert.Equal(64, KnownReleases.Sha256(KnownReleases.Default, architecture)!.Length);
            Assert.NotNull(KnownReleases.Sha256(BuildKitVersion.Lowest, architecture));
        }

        Assert.Empty(KnownReleases.VulnerabilitiesOf(KnownReleases.Default));
        Assert.NotEmpty(KnownReleases.VulnerabilitiesOf(BuildKitVersion.Lowest));
    }

    [Fact]
    public void Mirrors_AreCompleted_AndSecretsInThemRefused()
    {
        BuildKitVersion version = BuildKitVersion.Parse("0.16.0");
        Assert.Equal("https://m.example/bk/v0.16.0/buildkit-v0.16.0.linux-arm64.tar.gz", ReleaseSource.Mirror(new Uri("https://m.example/bk/"), version, "arm64").Uri!.ToString());
        Assert.Equal("https://m.example/x.tgz", ReleaseSource.Mirror(new Uri("https://m.example/x.tgz"), version, "arm64").Uri!.ToString());
        HostException secret = Assert.Throws<HostException>(() => ReleaseSource.Mirror(new Uri("https://u:secret@m.example/"), version, "arm64"));
        Assert.DoesNotContain("secret", secret.Message, StringComparison.Ordinal);
        Assert.Throws<HostException>(() => ReleaseSource.Mirror(new Uri("file:///x"), version, "arm64"));
    }
}
