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
    [InlineData("noble", "Containerd")]
    public void AMemberBuildsAnImage(string suite, string worker)
    {
        using BuildHost build = BuildHost.Boot(suite);
        SystemdHost host = build.Host;
        TestArchive archive = TestArchive.UnderTest(host);
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
        using BuildHost build = BuildHost.Boot(suite, SomebodysContainerd.Bind());
        SystemdHost host = build.Host;
        Assert.StartsWith("2.", SomebodysContainerd.Install(host), StringComparison.Ordinal);
        TestArchive archive = TestArchive.UnderTest(host);
        host.Driver(["install", .. archive.Options]).Ok();
        build.MemberBuilds();
        const string Image = "runuser -u ubuntu -- buildctl build --frontend dockerfile.v0 --local context=/srv/app --local dockerfile=/srv/app --output type=image,name=example.org/app:1; ctr -n default images ls -q";
        Assert.Contains("example.org/app:1", host.Shell(Image), StringComparison.Ordinal);
        host.Reboot();
        Assert.Equal("false", host.Driver(["install", .. archive.Options]).Ok()["Changed"]);
        build.MemberBuilds();
    }

    [Theory]
    [InlineData("bookworm", "Containerd")]
    [InlineData("bookworm", "Oci")]
    [InlineData("trixie", "Containerd")]
    [InlineData("trixie", "Oci")]
    public void AnUpdate_AndTheWayBack_BuildEachTime(string suite, string worker)
    {
        Assert.SkipWhen(TestArchive.Older is null, "OPENCLOUD_BUILD_TEST_BUILDKIT_OLDER names no archive of an older BuildKit");
        using BuildHost build = BuildHost.Boot(suite);
        SystemdHost host = build.Host;
        (TestArchive? older, TestArchive? newer) = (TestArchive.RealOne(host, TestArchive.Older!), TestArchive.UnderTest(host));
        host.Driver(["install", "--worker", worker, .. older.Options]).Ok();
        build.MemberBuilds();
        string settled = host.Snapshot();

        DriverAnswer updated = host.Driver(["update", .. newer.Options]).Ok();
        Assert.Equal(older.Version, updated["PreviousVersion"]);
        Assert.Contains(newer.Version, updated["Engine"], StringComparison.Ordinal);
        Assert.Contains(newer.Bound, host.Run("cat", "/etc/buildkit/buildkitd.toml"), StringComparison.Ordinal);
        build.MemberBuilds();

        // One that starts, takes connections and never answers: the engine that was comes back, and builds.
        TestArchive mute = TestArchive.StandIn(host, "v0.33.0", "--mute");
        Assert.Equal("The host was restored to its previous state.", host.Driver(["update", "--patience", "3", .. mute.Options]).Failed("EngineSilent")["Aftermath"]);
        build.MemberBuilds();

        DriverAnswer back = host.Driver("update", "--rollback").Ok();
        Assert.Contains(older.Version, back["Engine"], StringComparison.Ordinal);
        build.MemberBuilds();
        static string Settings(string snapshot) => string.Join('\n', snapshot.Split('\n').Where(line => line.Contains("/etc/", StringComparison.Ordinal)));
        Assert.Equal(Settings(settled), Settings(host.Snapshot()));
        host.Reboot();
        build.MemberBuilds();
    }
}
