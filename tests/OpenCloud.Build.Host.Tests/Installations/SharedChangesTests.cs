using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Prechecks;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Installations;

/// <summary>What an engine that is removed leaves to those that stay.</summary>
public sealed class SharedChangesTests
{
    private static readonly HostChange Package = new PackagesInstalled("uidmap", [], [], ["uidmap"]);
    private static readonly HostChange Unit = new UnitEnabled("buildkit.service", "one");

    [Fact]
    public void PackagesAndTheProfile_OfTheSameProgram_AreLeft()
    {
        AppArmorProfile profile = AppArmorProfile.For("/opt/kit/rootlesskit");
        HostChange[] ofProfile = [new TextWritten(profile.Path, "0", null, null), new ProfileLoaded(profile.Path)];
        InstallationManifest one = Engine("one", "/opt/kit/rootlesskit", [Package, Unit, .. ofProfile]);
        Assert.Equal([Unit], SharedChanges.HandOver(one, [one, Engine("two", "/opt/kit/rootlesskit")], planOnly: true).Changes);

        // Another program's profile is of no use to it; the packages are.
        Assert.Equal([Unit, .. ofProfile], SharedChanges.HandOver(one, [one, Engine("two", "/opt/two/bin/rootlesskit")], planOnly: true).Changes);
        Assert.Equal([Unit], SharedChanges.HandOver(one, [Engine("two", "/opt/two/bin/rootlesskit"), one, Engine("three", "/opt/kit/rootlesskit")], planOnly: true).Changes);
    }

    [Fact]
    public void TheLast_TakesItAll()
    {
        InstallationManifest one = Engine("one", "/opt/kit/rootlesskit", Package, Unit);
        Assert.Equal(one.Changes, SharedChanges.HandOver(one, [one], planOnly: true).Changes);
        Assert.Equal(one.Changes, SharedChanges.HandOver(one, [one, Engine("two", "/opt/kit/rootlesskit") with { Version = InstallationManifest.Removed }], planOnly: true).Changes);
    }

    private static InstallationManifest Engine(string user, string rootlessKit, params HostChange[] changes) => new()
    {
        Version = "v0.32.2",
        Prefix = "/opt/" + user,
        Worker = BuildKitWorker.Oci,
        Namespace = string.Empty,
        Group = user,
        Programs = new Dictionary<string, string>(),
        Changes = changes,
        Rootless = new RootlessFacts { User = user, Uid = 1000, Home = "/home/" + user, State = "/home/" + user, SystemUnit = false, RootlessKit = rootlessKit },
    };
}
