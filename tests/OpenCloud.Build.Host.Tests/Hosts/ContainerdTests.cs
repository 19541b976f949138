using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>containerd that is there already, whoever installed it: found, used, and left as it was.</summary>
public abstract class ContainerdTests(string suite)
{
    [Fact]
    public void Containerd2ByHand_IsUsed_AndNotTouched()
    {
        using SystemdHost host = SystemdHost.Boot(suite, SomebodysContainerd.Bind());
        Assert.StartsWith("2.", SomebodysContainerd.Install(host), StringComparison.Ordinal);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();

        DriverAnswer done = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Contains("\"Target\":\"containerd\",\"Action\":\"Use the existing\",\"Result\":\"Unchanged\"", done["Steps"], StringComparison.Ordinal);
        Assert.DoesNotContain("older than", done["Messages"], StringComparison.Ordinal);
        Assert.NotEqual(0, host.Try("dpkg-query", "-W", "containerd").ExitCode);
        Assert.Contains("containerd.service", host.Run("systemctl", "show", "-P", "Requires", "buildkit.service"), StringComparison.Ordinal);
        host.Reboot();
        Assert.Equal("false", host.Driver(["install", .. archive.Options]).Ok()["Changed"]);

        string pid = host.Run("systemctl", "show", "-P", "MainPID", "containerd");
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
        Assert.Equal(pid, host.Run("systemctl", "show", "-P", "MainPID", "containerd"));
    }

    [Fact]
    public void ContainerdOfTheDistribution_InstalledBefore_Stays()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        host.Shell("apt-get install -y -q --no-install-recommends containerd >/dev/null 2>&1; systemctl disable -q --now containerd");
        TestArchive archive = TestArchive.UnderTest(host);
        string before = WithoutContainerdsOwn(host.Snapshot());
        DriverAnswer done = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Contains("\"Action\":\"Use the existing\"", done["Steps"], StringComparison.Ordinal);

        // Required by the engine's unit, it comes up with it at boot, though it is not enabled itself.
        Assert.Equal("active", host.Run("systemctl", "is-active", "containerd").Trim());
        host.Reboot();
        Assert.Equal("false", host.Driver(["install", .. archive.Options]).Ok()["Changed"]);
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, WithoutContainerdsOwn(host.Snapshot()));
    }

    // What a containerd that stays has written down since, as its own id for a real engine that asked, is its business.
    private static string WithoutContainerdsOwn(string snapshot)
        => string.Join('\n', snapshot.Split('\n').Where(static line => !line.StartsWith("/var/lib/containerd/", StringComparison.Ordinal)));

    [Fact]
    public void WithoutContainerd_SkippedByWish_TheUnitsAreThere()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        DriverAnswer planned = host.Driver(["install", "--skip-containerd", "--no-start", .. archive.Options]).Ok();
        Assert.DoesNotContain("Install the package", planned["Steps"], StringComparison.Ordinal);
        Assert.NotEqual("active", host.Try("systemctl", "is-active", "buildkit.service").Output.Trim());
        Assert.Equal("enabled", host.Run("systemctl", "is-enabled", "buildkit.service").Trim());
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }
}

public sealed class BookwormContainerdTests() : ContainerdTests("bookworm");

public sealed class TrixieContainerdTests() : ContainerdTests("trixie");
