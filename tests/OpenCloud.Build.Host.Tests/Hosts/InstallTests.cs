using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>Installing on fresh hosts, each case on its own.</summary>
public abstract class InstallTests(string suite)
{
    private protected string Suite { get; } = suite;

    [Fact]
    public void FirstInstall_Again_Reboot_Uninstall_Purge()
    {
        using SystemdHost host = SystemdHost.Boot(Suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();

        DriverAnswer first = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Equal("true", first["Changed"]);
        Assert.Equal("unix:///run/buildkit/buildkitd.sock", first["Address"]);
        Assert.Contains("GivenSha256", first["Integrity"], StringComparison.Ordinal);
        Assert.Equal("root:buildkit 660 socket", host.Shell("stat -c '%U:%G %a %F' /run/buildkit/buildkitd.sock").Trim());
        Assert.Equal("root:buildkit 2755", host.Shell("stat -c '%U:%G %a' /run/buildkit").Trim());

        string installed = host.Snapshot();
        Assert.Equal("false", host.Driver(["install", .. archive.Options]).Ok()["Changed"]);
        Assert.Equal(installed, host.Snapshot());

        host.Reboot();
        DriverAnswer rebooted = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Equal("false", rebooted["Changed"]);
        Assert.Contains(archive.Version, rebooted["Engine"], StringComparison.Ordinal);
        Assert.Equal("root:buildkit 2755", host.Shell("stat -c '%U:%G %a' /run/buildkit").Trim());

        DriverAnswer found = host.Driver("get").Ok();
        Assert.Equal(archive.Version, found["Version"]);
        Assert.Equal("true", found["ByThisModule"]);
        Assert.DoesNotContain("changed\"", found["Files"], StringComparison.Ordinal);

        // What others may use by now stays...
        host.Driver("uninstall").Ok();
        Assert.NotEqual(0, host.Try("systemctl", "is-enabled", "buildkit.service").ExitCode);
        host.Shell("! test -e /usr/local/bin/buildkitd; ! test -e /run/buildkit; test -e /etc/buildkit/buildkitd.toml; getent group buildkit; command -v containerd");

        // ...until it is purged.
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
        host.Driver("uninstall").Failed("NotFound");
    }

    [Fact]
    public void OlderVersion_IsReplaced_AndComesBackWhenTheNewOneIsSilent()
    {
        using SystemdHost host = SystemdHost.Boot(Suite);
        TestArchive archive = TestArchive.UnderTest(host);
        TestArchive old = TestArchive.StandIn(host, archive.Version == "v0.16.0" ? "v0.18.2" : "v0.16.0");
        host.Driver(["install", "--worker", "Oci", .. old.Options]).Ok();
        Assert.Contains(old.Bound, host.Run("cat", "/etc/buildkit/buildkitd.toml"), StringComparison.Ordinal);
        string settled = host.Snapshot();

        // One that starts and never answers; one that does not even start.
        TestArchive mute = TestArchive.StandIn(host, "v0.30.0", "--mute");
        DriverAnswer failed = host.Driver(["update", "--patience", "3", .. mute.Options]).Failed("EngineSilent");
        Assert.Equal("The host was restored to its previous state.", failed["Aftermath"]);
        Assert.Equal(settled, host.Snapshot());
        Assert.Contains(old.Version, host.Driver("diagnose").Ok()["Version"], StringComparison.Ordinal);
        TestArchive dying = TestArchive.StandIn(host, "v0.31.0", "--die");
        host.Driver(["update", .. dying.Options]).Failed("EngineSilent");
        Assert.Equal(settled, host.Snapshot());
        Assert.Equal("true", host.Driver("diagnose").Ok()["Reachable"]);

        // A good one, and back again by wish.
        DriverAnswer updated = host.Driver(["update", .. archive.Options]).Ok();
        Assert.Equal(old.Version, updated["PreviousVersion"]);
        Assert.Contains(archive.Version, updated["Engine"], StringComparison.Ordinal);
        Assert.Contains(archive.Bound, host.Run("cat", "/etc/buildkit/buildkitd.toml"), StringComparison.Ordinal);
        DriverAnswer back = host.Driver("update", "--rollback").Ok();
        Assert.Equal(old.Version, back["Version"]);
        Assert.Contains(old.Version, back["Engine"], StringComparison.Ordinal);
        Assert.Contains(old.Bound, host.Run("cat", "/etc/buildkit/buildkitd.toml"), StringComparison.Ordinal);
        host.Driver("update", "--rollback").Ok();
        Assert.Equal(archive.Version, host.Driver("get").Ok()["Version"]);

        // An update that fails does not cost the way back.
        host.Driver(["update", "--patience", "3", .. mute.Options]).Failed("EngineSilent");
        host.Driver("update", "--rollback").Ok();
        Assert.Equal(old.Version, host.Driver("get").Ok()["Version"]);
    }

    [Fact]
    public void SameVersionOfAnotherArchive_IsNotTakenForDone()
    {
        using SystemdHost host = SystemdHost.Boot(Suite);
        TestArchive first = TestArchive.StandIn(host, "v0.30.0");
        host.Driver(["install", "--worker", "Oci", .. first.Options]).Ok();
        TestArchive other = TestArchive.StandIn(host, "v0.30.0", "--other");
        DriverAnswer rebuilt = host.Driver(["install", "--worker", "Oci", .. other.Options]).Ok();
        Assert.Equal("true", rebuilt["Changed"]);
        Assert.Contains("--other", host.Run("cat", "/usr/local/bin/buildkitd"), StringComparison.Ordinal);
        Assert.Equal("false", host.Driver(["install", "--worker", "Oci", .. other.Options]).Ok()["Changed"]);
        host.Driver("update", "--rollback").Ok();
        Assert.DoesNotContain("--other", host.Run("cat", "/usr/local/bin/buildkitd"), StringComparison.Ordinal);
    }

    [Fact]
    public void HandMadeUnits_GetADropIn_OrAreRefusedWithADiff()
    {
        using SystemdHost host = SystemdHost.Boot(Suite);
        TestArchive archive = TestArchive.UnderTest(host);

        // Another program altogether: nothing is touched.
        host.Shell("printf '[Service]\\nExecStart=/opt/other/buildkitd\\n' > /etc/systemd/system/buildkit.service; systemctl daemon-reload");
        string before = host.Snapshot();
        DriverAnswer refused = host.Driver(["install", "--worker", "Oci", .. archive.Options]).Failed("Conflict");
        Assert.Contains("-ExecStart=/opt/other/buildkitd", refused["Message"], StringComparison.Ordinal);
        Assert.Contains("+ExecStart=/usr/local/bin/buildkitd", refused["Message"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());

        // The units BuildKit's own examples have (no group, no restart), and settings of the user.
        host.Shell(
            """
            mkdir -p /etc/buildkit; printf '# mine\n[worker.oci]\n  gc = true\n[worker.containerd]\n  enabled = false\n' > /etc/buildkit/buildkitd.toml
            printf '[Socket]\nListenStream=%%t/buildkit/buildkitd.sock\nSocketMode=0660\n[Install]\nWantedBy=sockets.target\n' > /etc/systemd/system/buildkit.socket
            printf '[Unit]\nRequires=buildkit.socket\nAfter=buildkit.socket\n[Service]\nType=notify\nExecStart=/usr/local/bin/buildkitd --addr fd://\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/buildkit.service
            systemctl daemon-reload
            """);
        before = host.Snapshot();
        string units = host.Shell("cat /etc/systemd/system/buildkit.socket /etc/systemd/system/buildkit.service /etc/buildkit/buildkitd.toml");
        DriverAnswer done = host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok();
        Assert.Contains("a drop-in adds the missing settings", done["Messages"], StringComparison.Ordinal);
        Assert.Contains("was edited and is kept", done["Messages"], StringComparison.Ordinal);
        Assert.Equal(units, host.Shell("cat /etc/systemd/system/buildkit.socket /etc/systemd/system/buildkit.service /etc/buildkit/buildkitd.toml"));
        Assert.Equal("root:buildkit 660", host.Shell("stat -c '%U:%G %a' /run/buildkit/buildkitd.sock").Trim());
        Assert.Equal("always", host.Run("systemctl", "show", "-P", "Restart", "buildkit.service").Trim());
        Assert.Equal("false", host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok()["Changed"]);
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void OwnUnitsThatTheUserEdited_AreKept()
    {
        using SystemdHost host = SystemdHost.Boot(Suite);
        TestArchive archive = TestArchive.UnderTest(host);
        host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok();
        host.Shell("sed -i 's/^Restart=always/Restart=no/' /etc/systemd/system/buildkit.service; echo '# mine' >> /etc/buildkit/buildkitd.toml; systemctl daemon-reload");
        host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok();
        Assert.Contains("Restart=no", host.Run("cat", "/etc/systemd/system/buildkit.service"), StringComparison.Ordinal);
        Assert.Equal("always", host.Run("systemctl", "show", "-P", "Restart", "buildkit.service").Trim());
        Assert.EndsWith("# mine\n", host.Run("cat", "/etc/buildkit/buildkitd.toml"), StringComparison.Ordinal);

        // A file that is not as it was installed is not removed without a word.
        DriverAnswer removed = host.Driver("uninstall").Ok();
        Assert.Contains("buildkit.service' was edited and is kept", removed["Messages"], StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherEngineOnTheSocket_IsNamed()
    {
        using SystemdHost host = SystemdHost.Boot(Suite);
        TestArchive archive = TestArchive.UnderTest(host);
        host.Shell($"mkdir -p /run/buildkit; systemd-run --quiet --unit=mine {SystemdHost.DriverCommand} buildkitd --addr unix:///run/buildkit/buildkitd.sock; for i in $(seq 100); do test -S /run/buildkit/buildkitd.sock && break; sleep 0.1; done");
        DriverAnswer refused = host.Driver(["install", "--worker", "Oci", .. archive.Options]).Failed("Conflict");
        Assert.Contains("mine.service", refused["Message"], StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIf_NamesEverythingAndChangesNothing()
    {
        using SystemdHost host = SystemdHost.Boot(Suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        foreach (DriverAnswer plan in (DriverAnswer[])[host.Driver(["install", "--what-if", .. archive.Options]).Ok(), host.DriverAs("ubuntu", ["install", "--what-if", .. archive.Options]).Ok()])
        {
            Assert.Equal("false", plan["Changed"]);
            foreach (string target in (string[])["containerd", "/usr/local/bin/buildkitd", "/etc/systemd/system/buildkit.socket", "/etc/systemd/system/buildkit.service", "/etc/tmpfiles.d/opencloud.build.conf", "/run/buildkit", "/etc/buildkit/buildkitd.toml", "buildkit.socket", "buildkit.service"])
            {
                Assert.Contains($"\"Target\":\"{target}\"", plan["Steps"], StringComparison.Ordinal);
            }

            Assert.Contains("\"Kind\":\"Group\",\"Target\":\"buildkit\"", plan["Steps"], StringComparison.Ordinal);
            Assert.Contains("The package runc is installed with containerd", plan["Messages"], StringComparison.Ordinal);
        }

        Assert.Equal(before, host.Snapshot());
        host.DriverAs("ubuntu", ["install", .. archive.Options]).Failed("NotRoot");
    }

    [Fact]
    public void WithoutSystemd_TheProgramsAndAMessage()
    {
        using SystemdHost host = SystemdHost.Boot(Suite);
        TestArchive archive = TestArchive.UnderTest(host);
        DriverAnswer done = DriverAnswer.Of(host.Try("/usr/bin/unshare", "-m", "/bin/sh", "-c", $"mount -t tmpfs none /run/systemd; exec {SystemdHost.DriverCommand} install {string.Join(' ', archive.Options)}")).Ok();
        Assert.Contains("does not use systemd", done["Messages"], StringComparison.Ordinal);
        Assert.Equal("null", done["Address"]);
        host.Shell("test -x /usr/local/bin/buildkitd; ! getent group buildkit; ! test -e /etc/systemd/system/buildkit.service");

        // Such an engine serves one build, and goes.
        DriverAnswer private1 = host.Driver("daemonless").Ok();
        Assert.Contains("unix:///tmp/opencloud-build-", private1["Address"], StringComparison.Ordinal);
        host.Shell("! ls -d /tmp/opencloud-build-*; ! pgrep -f '[b]uildkitd --config'");
    }
}

public sealed class BookwormInstallTests() : InstallTests("bookworm");

public sealed class TrixieInstallTests() : InstallTests("trixie");

/// <summary>Ubuntu 24.04.</summary>
public sealed class NobleInstallTests() : InstallTests("noble");
