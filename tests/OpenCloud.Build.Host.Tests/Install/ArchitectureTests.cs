using System.Runtime.InteropServices;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Releases;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Install;

/// <summary>Which archive a machine gets.</summary>
public sealed class ArchitectureTests
{
    [Theory]
    [InlineData(Architecture.X64, "amd64")]
    [InlineData(Architecture.Arm64, "arm64")]
    public void TheArchive_IsTheProcessors(Architecture processor, string name)
    {
        Assert.Equal(name, InstallOptions.NameOf(processor));
        Assert.Equal(
            $"https://github.com/moby/buildkit/releases/download/v0.32.2/buildkit-v0.32.2.linux-{name}.tar.gz",
            ReleaseSource.Project(KnownReleases.Default, name).Uri!.ToString());
        Assert.Equal($"buildkit-v0.32.2.linux-{name}.provenance.json", ReleaseSource.ProvenanceName(KnownReleases.Default, name));
        Assert.All(KnownReleases.Versions, version => Assert.Equal(64, KnownReleases.Sha256(version, name)!.Length));
    }

    [Theory]
    [InlineData(Architecture.X86)]
    [InlineData(Architecture.Arm)]
    [InlineData(Architecture.S390x)]
    [InlineData(Architecture.RiscV64)]
    public void OtherProcessors_AreRefused(Architecture processor)
        => Assert.Equal(HostErrorKind.Unsupported, Assert.Throws<HostException>(() => InstallOptions.NameOf(processor)).Kind);

    [Fact]
    public void KnownHashes_AreOneArchivesEach()
    {
        string[] all = KnownReleases.Versions.SelectMany(version => (string[])[KnownReleases.Sha256(version, "amd64")!, KnownReleases.Sha256(version, "arm64")!]).ToArray();
        Assert.Equal(all.Length, all.Distinct(StringComparer.Ordinal).Count());
    }
}
