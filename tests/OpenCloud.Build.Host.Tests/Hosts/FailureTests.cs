using System.Formats.Tar;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>What goes wrong, and that the host is as before afterwards.</summary>
public abstract class FailureTests(string suite)
{
    [Fact]
    public void BadArchives_ChangeNothing()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive good = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        byte[] bytes = File.ReadAllBytes(Path.Combine(host.Share, good.FileName));

        // Tampered with: the hash tells, before anything is unpacked.
        byte[] tampered = (byte[])bytes.Clone();
        tampered[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(Path.Combine(host.Share, "tampered.tar.gz"), tampered);
        DriverAnswer refused = host.Driver("install", "--version", good.Version, "--archive", "/ocb/share/tampered.tar.gz", "--sha256", good.Sha256).Failed("Integrity");
        Assert.Contains("Nothing was unpacked", refused["Message"], StringComparison.Ordinal);

        // Cut short, and its hash known to be that: unpacking tells.
        File.WriteAllBytes(Path.Combine(host.Share, "short.tar.gz"), bytes[..(bytes.Length / 2)]);
        host.Driver(["install", .. TestArchive.Of(Path.Combine(host.Share, "short.tar.gz"), good.Version).Options]).Failed("Integrity");

        // Nothing proves it.
        File.WriteAllBytes(Path.Combine(host.Share, "unknown.tar.gz"), bytes);
        host.Driver("install", "--version", "v0.27.9", "--archive", "/ocb/share/unknown.tar.gz").Failed("Integrity");

        // Links out of the folder, one after the other.
        string hostile = Path.Combine(host.Share, "hostile.tar.gz");
        TestArchive.Write(hostile, tar =>
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/a") { LinkName = "/etc" });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/b") { LinkName = "a/cron.d" });
            TestArchive.Add(tar, "bin/b/evil", "* * * * * root evil\n");
            TestArchive.Add(tar, "bin/buildkitd", "#!/bin/sh\n");
        });
        host.Driver(["install", .. TestArchive.Of(hostile, good.Version).Options]).Failed("Integrity");
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void FullDisk_IsSaidAndLeavesNothing()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        host.Shell("mount -t tmpfs -o size=8k,mode=755 none /usr/local/bin");
        string before = host.Snapshot();
        DriverAnswer failed = host.Driver(["install", .. archive.Options]).Failed("DiskFull");
        Assert.Equal("The host was restored to its previous state.", failed["Aftermath"]);
        Assert.Equal(before, host.Snapshot());
        Assert.Equal(string.Empty, host.Run("find", "/usr/local/bin", "-mindepth", "1"));
    }

    [Fact]
    public void NoNetwork_IsSaidAndLeavesNothing()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        DriverAnswer download = host.Driver("install").Failed("Download");
        Assert.Contains("-ArchivePath", download["Remedy"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());

        // The archive is at hand, containerd's package is not.
        host.Shell("rm -f /var/cache/apt/archives/*.deb");
        DriverAnswer package = host.Driver(["install", .. archive.Options]).Failed("CommandFailed");
        Assert.Contains("-Worker Oci", package["Remedy"], StringComparison.Ordinal);
        Assert.Equal("The host was restored to its previous state.", package["Aftermath"]);
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void Mirror_ProvenByItsProvenance()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.StandIn(host, "v0.27.9");
        string folder = Directory.CreateDirectory(Path.Combine(host.Share, "v0.27.9")).FullName;
        File.Move(Path.Combine(host.Share, archive.FileName), Path.Combine(folder, archive.FileName));
        File.WriteAllText(
            Path.Combine(folder, "buildkit-v0.27.9.linux-amd64.provenance.json"),
            $$"""
            {"_type":"https://in-toto.io/Statement/v0.1",
             "subject":[{"name":"{{archive.FileName}}","digest":{"sha256":"{{archive.Sha256}}" } }]}
            """);
        host.Shell($"systemd-run --quiet --unit=mirror {SystemdHost.DriverCommand} serve /ocb/share 8099; for i in $(seq 100); do grep -q :1FA3 /proc/net/tcp && break; sleep 0.1; done");
        DriverAnswer missing = host.Driver("install", "--worker", "Oci", "--version", "v0.28.9", "--uri", "http://127.0.0.1:8099/").Failed("Download");
        Assert.Contains("404", missing["Message"], StringComparison.Ordinal);
        DriverAnswer done = host.Driver("install", "--worker", "Oci", "--version", "v0.27.9", "--uri", "http://127.0.0.1:8099/").Ok();
        Assert.Contains("Provenance", done["Integrity"], StringComparison.Ordinal);
        host.Shell("! test -e /var/cache/opencloud.build");
    }

    [Theory]
    [InlineData("buildkit", "Group")]
    [InlineData("/usr/local/bin/buildkitd", "File")]
    [InlineData("/etc/systemd/system/buildkit.service", "File")]
    [InlineData("buildkit.socket", "Unit")]
    public void KilledHalfWay_AndRunAgain(string target, string kind)
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        Assert.NotEqual(0, host.Driver(["install", "--kill-at", target, "--kill-kind", kind, .. archive.Options]).Code);
        Assert.Equal("true", host.Driver("get").Ok()["Interrupted"]);

        // A plan that fails leaves the journal of the killed run alone.
        host.Driver("install", "--what-if", "--archive", "/no/such.tar.gz").Failed("NotFound");
        Assert.Equal("true", host.Driver("get").Ok()["Interrupted"]);
        DriverAnswer again = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Contains("it is completed now", again.Error, StringComparison.Ordinal);
        Assert.Equal("false", host.Driver(["install", .. archive.Options]).Ok()["Changed"]);
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void KilledWhilePackagesAreInstalled_AndTakenBack()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        host.Shell("printf 'DPkg::Pre-Install-Pkgs {\"pkill -9 -f HostDriver.dll.install || true\";};\\n' > /etc/apt/apt.conf.d/99kill");
        Assert.NotEqual(0, host.Driver(["install", .. archive.Options]).Code);
        host.Shell("rm /etc/apt/apt.conf.d/99kill; while fuser /var/lib/dpkg/lock-frontend 2>/dev/null || pgrep -x 'apt-get|dpkg'; do sleep 0.1; done");
        host.Driver("uninstall").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    [Theory]
    [InlineData("status half-installed containerd")]
    [InlineData("status unpacked containerd")]
    [InlineData("status half-configured containerd")]
    public void PowerLost_WhileDpkgWorks(string line)
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        void Cut() => host.Shell(
            $"""
            : > /var/log/dpkg.log
            {SystemdHost.DriverCommand} install {string.Join(' ', archive.Options)} > /tmp/log 2>&1 &
            driver=$!
            until grep -q '{line}' /var/log/dpkg.log; do kill -0 $driver; sleep 0.01; done
            kill -9 $driver
            # One of them may end by itself just now.
            pkill -9 -x 'apt-get|dpkg|dpkg-deb|containerd.post' || :
            """);
        Cut();
        Assert.Equal("true", host.Driver("get").Ok()["Interrupted"]);
        host.Driver("uninstall").Ok();
        Assert.Equal(before, host.Snapshot());
        Assert.Empty(host.Shell("dpkg --audit"));

        Cut();
        host.Driver(["install", .. archive.Options]).Ok();
        Assert.Empty(host.Shell("dpkg --audit"));
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void PowerLost_BeforeDpkgTakesTheMarkOfAnUnpackedPackageAway()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        Assert.NotEqual(0, host.Driver(["install", "--kill-at", "/usr/local/bin/buildkitd", "--kill-kind", "File", .. archive.Options]).Code);
        host.Shell("sed -i '/^Package: containerd$/,/^Status:/s/^Status:.*/Status: install reinstreq unpacked/' /var/lib/dpkg/status");
        Assert.NotEmpty(host.Shell("dpkg --audit"));
        host.Driver(["install", .. archive.Options]).Ok();
        Assert.Empty(host.Shell("dpkg --audit"));
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void TwoAtOnce_OneChangesTheOtherFindsItDone()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        DriverAnswer[] both = new DriverAnswer[2];
        Parallel.For(0, 2, i => both[i] = host.Driver(["install", .. archive.Options]));
        Assert.Equal(["false", "true"], both.Select(one => one.Ok()["Changed"]).Order(StringComparer.Ordinal));
    }
}

public sealed class BookwormFailureTests() : FailureTests("bookworm");

public sealed class TrixieFailureTests() : FailureTests("trixie");
