using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>containerd that is there already, whoever installed it: found, used, and left as it was.</summary>
public abstract class ContainerdTests(string suite)
{
    [Fact]
    public void Containerd2ByHand_IsUsed_AndNotTouched()
    {
        using var host = SystemdHost.Boot(suite, SomebodysContainerd.Bind());
        Assert.StartsWith("2.", SomebodysContainerd.Install(host), StringComparison.Ordinal);
        var archive = TestArchive.UnderTest(host);
        var before = host.Snapshot();

        var done = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Contains("\"Target\":\"containerd\",\"Action\":\"Use what is there\",\"Result\":\"Unchanged\"", done["Steps"], StringComparison.Ordinal);
        Assert.DoesNotContain("older than", done["Messages"], StringComparison.Ordinal);
        Assert.NotEqual(0, host.Try("dpkg-query", "-W", "containerd").Code);
        Assert.Contains("containerd.service", host.Run("systemctl", "show", "-P", "Requires", "buildkit.service"), StringComparison.Ordinal);
        host.Reboot();
        Assert.Equal("false", host.Driver(["install", .. archive.Options]).Ok()["Changed"]);

        var pid = host.Run("systemctl", "show", "-P", "MainPID", "containerd");
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
        Assert.Equal(pid, host.Run("systemctl", "show", "-P", "MainPID", "containerd"));
    }

    [Fact]
    public void ContainerdOfTheDistribution_InstalledBefore_Stays()
    {
        using var host = SystemdHost.Boot(suite);
        host.Shell("apt-get install -y -q --no-install-recommends containerd >/dev/null 2>&1; systemctl disable -q --now containerd");
        var archive = TestArchive.UnderTest(host);
        var before = WithoutContainerdsOwn(host.Snapshot());
        var done = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Contains("\"Action\":\"Use what is there\"", done["Steps"], StringComparison.Ordinal);

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
        using var host = SystemdHost.Boot(suite);
        var archive = TestArchive.UnderTest(host);
        var before = host.Snapshot();
        var planned = host.Driver(["install", "--skip-containerd", "--no-start", .. archive.Options]).Ok();
        Assert.DoesNotContain("Install the package", planned["Steps"], StringComparison.Ordinal);
        Assert.NotEqual("active", host.Try("systemctl", "is-active", "buildkit.service").Output.Trim());
        Assert.Equal("enabled", host.Run("systemctl", "is-enabled", "buildkit.service").Trim());
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }
}

public sealed class BookwormContainerdTests() : ContainerdTests("bookworm");

public sealed class TrixieContainerdTests() : ContainerdTests("trixie")
{
    [Fact]
    public void ContainerdWithAdvisories_IsNamed_AndUpgradedWhereThereIsANewerOne()
    {
        // The distribution's package says in its changelog which holes it mends: one that says nothing, and a newer one that says all.
        const string Ids = "CVE-2021-41103 CVE-2022-23648 CVE-2023-25173 CVE-2024-25621 CVE-2024-40635 CVE-2025-64329 CVE-2026-46680 CVE-2026-53488";
        using var host = SystemdHost.Boot("trixie");
        host.Shell(
            """
            set -e
            { grep -rl path-exclude /etc/dpkg || true; } | xargs -r rm
            mkdir -p /repository /work; cd /work
            apt-get install -y -q --no-install-recommends containerd >/dev/null 2>&1
            dpkg-deb -R /var/cache/apt/archives/containerd_*.deb package
            make_package() { sed -i "s/^Version: .*/Version: $1/" package/DEBIAN/control; echo "$2" | gzip > package/usr/share/doc/containerd/changelog.Debian.gz; rm -f package/DEBIAN/md5sums; dpkg-deb -Znone -b package "$3" >/dev/null; }
            version=$(dpkg -s containerd | sed -n 's/^Version: //p')
            make_package "$version+mended" 'Fixes: IDS' /repository/containerd.deb
            make_package "$version" 'Fixes nothing.' old.deb
            dpkg -i old.deb >/dev/null
            cd /repository
            { dpkg-deb -f containerd.deb; echo "Filename: ./containerd.deb"; echo "Size: $(stat -c %s containerd.deb)"; echo "SHA256: $(sha256sum containerd.deb | cut -d' ' -f1)"; } > Packages
            """.Replace("IDS", Ids, StringComparison.Ordinal));
        var archive = TestArchive.UnderTest(host);

        // None newer that apt knows of: it is used, and said to be what it is.
        var first = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Contains("\"Action\":\"Use what is there\"", first["Steps"], StringComparison.Ordinal);
        Assert.Contains("CVE-2026-53488: an image's labels", first.Error, StringComparison.Ordinal);
        Assert.Contains("apt-get update", first.Error, StringComparison.Ordinal);
        var diagnosis = host.Driver("diagnose").Ok();
        Assert.Contains("CVE-2026-53488", diagnosis["Checks"], StringComparison.Ordinal);
        Assert.Contains("CVE-2026-53488", host.Driver("get").Ok()["ContainerdKnownAgainst"], StringComparison.Ordinal);

        host.Shell("rm -f /etc/apt/sources.list; rm -rf /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/repository ./' > /etc/apt/sources.list; apt-get update -q >/dev/null 2>&1");
        Assert.Contains("Upgrade the package to", host.Driver(["install", "--what-if", .. archive.Options]).Ok()["Steps"], StringComparison.Ordinal);
        var upgraded = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Contains("Upgrade the package to", upgraded["Steps"], StringComparison.Ordinal);
        Assert.DoesNotContain("CVE-2026-53488", upgraded.Error, StringComparison.Ordinal);
        Assert.Contains("+mended\n", host.Run("dpkg", "-s", "containerd"), StringComparison.Ordinal);
        Assert.Equal("[]", host.Driver("get").Ok()["ContainerdKnownAgainst"]);
        Assert.DoesNotContain("Upgrade the package", host.Driver(["install", .. archive.Options]).Ok()["Steps"], StringComparison.Ordinal);
    }
}
