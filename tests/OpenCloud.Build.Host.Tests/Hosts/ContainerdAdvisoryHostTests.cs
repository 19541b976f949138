using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>What is known against a distribution's containerd: named everywhere, and mended by lists of packages that are fetched anew.</summary>
public abstract class ContainerdAdvisoryHostTests(string suite)
{
    [Fact]
    public void ContainerdWithAdvisories_IsNamed_AndUpgradedWhereThereIsANewerOne()
    {
        // The distribution's package says in its changelog which holes it mends: one that says nothing, and a newer one that says all.
        const string Ids = "CVE-2021-41103 CVE-2022-23648 CVE-2023-25173 CVE-2024-25621 CVE-2024-40635 CVE-2025-64329 CVE-2026-46680 CVE-2026-50195 CVE-2026-53488 CVE-2026-53492";
        using SystemdHost host = SystemdHost.Boot(suite);
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
        TestArchive archive = TestArchive.UnderTest(host);

        // None newer that apt knows of: it is used, and said to be what it is.
        DriverAnswer first = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Contains("\"Action\":\"Use the existing\"", first["Steps"], StringComparison.Ordinal);
        Assert.Contains("CVE-2026-53488: an image's labels", first.Error, StringComparison.Ordinal);
        Assert.Contains("cannot be updated", first.Error, StringComparison.Ordinal);
        DriverAnswer diagnosis = host.Driver("diagnose").Ok();
        Assert.Contains("CVE-2026-53488", diagnosis["Checks"], StringComparison.Ordinal);
        Assert.Contains("CVE-2026-53488", host.Driver("get").Ok()["ContainerdVulnerabilities"], StringComparison.Ordinal);

        // The source has a newer one, the lists that are here do not know of it, and another program reads them anew at this moment.
        host.Shell(
            """
            rm -f /etc/apt/sources.list; rm -rf /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/repository ./' > /etc/apt/sources.list
            cat > /run/lock.pl <<'END'
            use Fcntl; $lock = pack("s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0);
            open F, ">>", "/var/lib/apt/lists/lock" or die; fcntl(F, F_SETLK, $lock) or die; open R, ">", "/run/locked"; close R; sleep 4;
            END
            systemd-run --quiet --unit=other-apt perl /run/lock.pl
            for i in $(seq 100); do test -e /run/locked && break; sleep 0.05; done; test -e /run/locked
            """);
        Assert.DoesNotContain("Upgrade the package to", host.Driver(["install", "--what-if", .. archive.Options]).Ok()["Steps"], StringComparison.Ordinal);
        DriverAnswer upgraded = host.Driver(["install", .. archive.Options]).Ok();
        Assert.DoesNotContain("cannot be updated", upgraded.Error, StringComparison.Ordinal);
        Assert.Contains("Upgrade the package to", upgraded["Steps"], StringComparison.Ordinal);
        Assert.DoesNotContain("CVE-2026-53488", upgraded.Error, StringComparison.Ordinal);
        Assert.Contains("+mended\n", host.Run("dpkg", "-s", "containerd"), StringComparison.Ordinal);
        Assert.Equal("[]", host.Driver("get").Ok()["ContainerdVulnerabilities"]);
        Assert.DoesNotContain("Upgrade the package", host.Driver(["install", .. archive.Options]).Ok()["Steps"], StringComparison.Ordinal);
    }
}

public sealed class BookwormContainerdAdvisoryTests() : ContainerdAdvisoryHostTests("bookworm");

public sealed class TrixieContainerdAdvisoryTests() : ContainerdAdvisoryHostTests("trixie");

public sealed class NobleContainerdAdvisoryTests() : ContainerdAdvisoryHostTests("noble");
