using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>With a real release: an image is built at the end, under the hardened unit, with both workers, by a member of the group.</summary>
public sealed class RealBuildTests
{
    [Theory]
    [InlineData("bookworm", "Containerd")]
    [InlineData("bookworm", "Oci")]
    [InlineData("trixie", "Containerd")]
    [InlineData("trixie", "Oci")]
    public void AMemberBuildsAnImage(string suite, string worker)
    {
        using var build = BuildHost.Boot(suite);
        var host = build.Host;
        var archive = TestArchive.UnderTest(host);
        host.Driver(["install", "--worker", worker, .. archive.Options]).Ok();
        build.MemberBuilds();
        host.Reboot();
        Assert.Equal("false", host.Driver(["install", "--worker", worker, .. archive.Options]).Ok()["Changed"]);
        build.MemberBuilds();
    }

    [Theory]
    [InlineData("bookworm")]
    [InlineData("trixie")]
    public void AMemberBuildsAnImage_InTheStoreOfSomebodysContainerd2(string suite)
    {
        using var build = BuildHost.Boot(suite, SomebodysContainerd.Bind());
        var host = build.Host;
        Assert.StartsWith("2.", SomebodysContainerd.Install(host), StringComparison.Ordinal);
        var archive = TestArchive.UnderTest(host);
        host.Driver(["install", .. archive.Options]).Ok();
        build.MemberBuilds();
        const string Image = "runuser -u ubuntu -- buildctl build --frontend dockerfile.v0 --local context=/srv/app --local dockerfile=/srv/app --output type=image,name=example.org/app:1; ctr -n buildkit images ls -q";
        Assert.Contains("example.org/app:1", host.Shell(Image), StringComparison.Ordinal);
        host.Reboot();
        Assert.Equal("false", host.Driver(["install", .. archive.Options]).Ok()["Changed"]);
        build.MemberBuilds();
    }
}
