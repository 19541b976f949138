using System.Security.Cryptography;
using System.Text.Json;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>Engines without root on fresh hosts, each case on its own; with a real release each ends with an image built.</summary>
public abstract class RootlessTests(string suite)
{
    [Fact]
    public void DedicatedUser_Again_Reboot_Shared_Uninstall_Purge()
    {
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        string[] install = ["install", "--rootless", "--user", "buildkituser", .. archive.Options];
        DriverAnswer plan = host.Driver([.. install, "--what-if"]).Ok();
        foreach (string target in (string[])["uidmap", "rootlesskit", "slirp4netns", "dbus-user-session", "buildkituser", "/etc/subuid", "/etc/subgid", "/opt/buildkit/bin/buildkitd", "/home/buildkituser/.config/buildkit/buildkitd.toml", "/home/buildkituser/.config/systemd/user/buildkit.service", "/home/buildkituser/.local/share/buildkit", "buildkit.service"])
        {
            Assert.Contains($"\"Target\":\"{target}\"", plan["Steps"], StringComparison.Ordinal);
        }

        Assert.DoesNotContain("fuse-overlayfs", plan["Steps"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());

        DriverAnswer first = host.Driver(install).Ok();
        string socket = rootless.SocketOf("buildkituser");
        Assert.Equal(("true", "unix://" + socket, "buildkituser"), (first["Changed"], first["Address"], first["User"]));
        Assert.Contains(archive.Version, first["Engine"], StringComparison.Ordinal);
        host.Shell(
            """
            grep -q '^buildkituser:231072:65536$' /etc/subuid; grep -q '^buildkituser:231072:65536$' /etc/subgid
            test -e /var/lib/systemd/linger/buildkituser
            grep -q NotifyAccess=all /home/buildkituser/.config/systemd/user/buildkit.service; grep -q WantedBy=default.target /home/buildkituser/.config/systemd/user/buildkit.service
            test "$(stat -c %U /home/buildkituser/.config/systemd/user/buildkit.service /opt/buildkit/bin/buildkitd | tr '\n' ' ')" = 'buildkituser root '
            test "$(ps -o user= -C rootlesskit | sort -u)" = "$(ps -o user= -p $(pgrep -o rootlesskit))"; ps -o user= -p $(pgrep -o rootlesskit) | grep -q buildkit
            """);
        rootless.Build("buildkituser", socket, archive);
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect", "--path", socket).Ok()["Version"]);

        string installed = host.Snapshot();
        Assert.Equal("false", host.Driver(install).Ok()["Changed"]);
        Assert.Equal(installed, host.Snapshot());

        host.Reboot();
        rootless.HasStartedByItself("buildkituser");
        Assert.Equal("false", host.Driver(install).Ok()["Changed"]);
        rootless.Build("buildkituser", socket, archive);

        JsonElement found = host.Driver("get", "--rootless").Ok().Json!.Value[0];
        Assert.Equal((archive.Version, "buildkituser", "active, enabled"), (found.GetProperty("Version").GetString(), found.GetProperty("User").GetString(), found.GetProperty("ServiceUnit").GetString()));
        DriverAnswer diagnosis = host.Driver("diagnose", "--path", socket, "--as", "buildkituser").Ok();
        Assert.Equal("true", diagnosis["Reachable"]);
        Assert.Contains("Rootless: newuidmap", diagnosis["Checks"], StringComparison.Ordinal);

        Share(rootless, archive);

        host.Driver("uninstall", "--rootless", "--user", "buildkituser").Ok();
        host.Shell("! test -e /opt/buildkit; ! test -e /home/buildkituser/.config/systemd; test -e /home/buildkituser/.local/share/buildkit; getent passwd buildkituser; command -v rootlesskit; ! pgrep rootlesskit; ! test -e /var/lib/systemd/linger/buildkituser");
        host.Driver("uninstall", "--rootless", "--user", "buildkituser", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
        host.Driver("uninstall", "--rootless", "--user", "buildkituser").Failed("NotFound");
    }

    [Fact]
    public void CurrentUser_RootsPartAsAScript_Reboot_Uninstall_Purge()
    {
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Shell("find /home/ubuntu | sort");
        string[] install = ["install", "--rootless", .. archive.Options];

        // For somebody else, or with a unit of the system's, root is needed; for oneself one does what one can.
        host.DriverAs("ubuntu", "install", "--rootless", "--user", "outsider").Failed("NotRoot");
        host.DriverAs("ubuntu", "install", "--rootless", "--system-unit").Failed("NotRoot");
        DriverAnswer first = host.DriverAs("ubuntu", install).Ok();
        Assert.Equal(("true", "null"), (first["Changed"], first["Engine"]));
        string script = first["RootScript"]!;
        foreach (string line in (string[])["#!/bin/sh\n", "apt-get install -y --no-install-recommends ", "uidmap", "rootlesskit", "slirp4netns", "loginctl enable-linger ubuntu\n"])
        {
            Assert.Contains(line, script, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("sudo", script, StringComparison.Ordinal);
        Assert.Equal("false", host.DriverAs("ubuntu", install).Ok()["Changed"]);
        host.Shell("sh /home/ubuntu/.local/state/opencloud.build/as-root.sh >/dev/null 2>&1");

        DriverAnswer second = host.DriverAs("ubuntu", install).Ok();
        string socket = rootless.SocketOf("ubuntu");
        // Lingering starts the manager, which may have started the enabled unit already.
        Assert.Equal(("null", "unix://" + socket), (second["RootScript"], second["Address"]));
        Assert.Contains(archive.Version, second["Engine"], StringComparison.Ordinal);
        host.Shell("test \"$(stat -c %U /home/ubuntu/.local/bin/buildkitd)\" = ubuntu; ! test -e /home/ubuntu/.local/state/opencloud.build/as-root.sh");
        rootless.Build("ubuntu", socket, archive, "/home/ubuntu/.local");
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect", "--path", socket).Ok()["Version"]);
        Assert.Equal("false", host.DriverAs("ubuntu", install).Ok()["Changed"]);

        // Who has one already gets no second one.
        host.Driver("install", "--rootless", "--user", "ubuntu").Failed("Conflict");

        host.Reboot();
        rootless.HasStartedByItself("ubuntu");
        rootless.Build("ubuntu", socket, archive, "/home/ubuntu/.local");
        Assert.Equal("false", host.DriverAs("ubuntu", install).Ok()["Changed"]);
        Assert.Equal("ubuntu", host.DriverAs("ubuntu", "get", "--rootless").Ok().Json!.Value[0].GetProperty("User").GetString());

        // Root may share it, and takes that back before its user can remove it.
        const string Shared = "/run/buildkit-rootless/ubuntu/buildkitd.sock";
        host.Driver("grant", "--rootless", "--engine", "ubuntu", "--user", "outsider").Ok();
        rootless.Build("outsider", Shared, archive, "/home/ubuntu/.local");
        Assert.Contains("Revoke-BuildKitAccess -Rootless -EngineUser ubuntu", host.DriverAs("ubuntu", "uninstall", "--rootless", "--purge").Failed("Conflict")["Remedy"], StringComparison.Ordinal);
        host.Driver("revoke", "--rootless", "--engine", "ubuntu", "--user", "outsider").Ok();
        Assert.NotEqual("true", host.DriverAs("outsider", "connect", "--path", Shared).Ok()["Connected"]);
        rootless.Build("ubuntu", socket, archive, "/home/ubuntu/.local");

        DriverAnswer removed = host.DriverAs("ubuntu", "uninstall", "--rootless", "--purge").Ok();
        Assert.Contains("disable-linger", removed["RootScript"], StringComparison.Ordinal);
        Assert.Equal(before, host.Shell("find /home/ubuntu | sort"));
        host.DriverAs("ubuntu", "uninstall", "--rootless").Failed("NotFound");
    }

    [Fact]
    public void SystemUnit_RunsAsTheUser_AlsoAfterAReboot()
    {
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        string[] install = ["install", "--rootless", "--user", "builder", "--system-unit", .. archive.Options];
        host.Driver(install).Ok();
        string socket = rootless.SocketOf("builder");
        rootless.Build("builder", socket, archive);
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect", "--path", socket).Ok()["Version"]);
        host.Driver("install", "--rootless", "--user", "builder").Failed("Conflict");
        host.Reboot();
        rootless.HasStartedByItself("builder", "buildkit-builder.service");
        Assert.Equal("builder", host.Shell("systemctl show -P User buildkit-builder.service").Trim());
        rootless.Build("builder", socket, archive);
        Assert.Equal("false", host.Driver(install).Ok()["Changed"]);
        host.Driver("grant", "--rootless", "--user", "ubuntu").Ok();
        rootless.Build("ubuntu", "/run/buildkit-rootless/builder/buildkitd.sock", archive);
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect", "--path", "/run/buildkit-rootless/builder/buildkitd.sock").Ok()["Version"]);
        host.Reboot();
        rootless.HasStartedByItself("builder", "buildkit-builder.service");
        rootless.Build("ubuntu", "/run/buildkit-rootless/builder/buildkitd.sock", archive);

        // Without a word about it: what was shared goes with it. What the first engine brought and another needs, stays for that one.
        host.Driver(["install", "--rootless", "--user", "second", "--prefix", "/opt/second", .. archive.Options]).Ok();
        host.Driver("uninstall", "--rootless", "--user", "builder", "--purge").Ok();
        host.Shell("! getent passwd builder; runuser -u second -- env XDG_RUNTIME_DIR=/run/user/$(id -u second) systemctl --user restart buildkit.service");
        rootless.Build("second", rootless.SocketOf("second"), archive, "/opt/second");
        host.Driver("uninstall", "--rootless", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void RootlessKitFromAnArchive_IsProven()
    {
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();

        // Debian's own program, packed as the project packs its releases.
        host.Shell("mkdir -p /tmp/kit; dpkg-deb -x /var/cache/apt/archives/rootlesskit_*.deb /tmp/kit; tar -C /tmp/kit/usr/bin -czf /ocb/share/rootlesskit-x86_64.tar.gz rootlesskit");
        string[] install = ["install", "--rootless", "--user", "buildkituser", "--kit", "/ocb/share/rootlesskit-x86_64.tar.gz", .. archive.Options];
        Assert.Contains("cannot be verified", host.Driver(install).Failed("Integrity")["Message"], StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(host.Share, "SHA256SUMS"), $"{new string('0', 64)}  rootlesskit-x86_64.tar.gz\n");
        Assert.Contains("SHA256SUMS beside it has", host.Driver(install).Failed("Integrity")["Message"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());

        string kit = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(host.Share, "rootlesskit-x86_64.tar.gz"))));
        File.WriteAllText(Path.Combine(host.Share, "SHA256SUMS"), $"{kit}  rootlesskit-x86_64.tar.gz\n");
        host.Driver(install).Ok();
        host.Shell("test -x /opt/buildkit/bin/rootlesskit; ! dpkg -s rootlesskit 2>/dev/null");
        rootless.Build("buildkituser", rootless.SocketOf("buildkituser"), archive);
        Assert.Equal("false", host.Driver(install).Ok()["Changed"]);
        host.Driver("uninstall", "--rootless", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    private static void Share(RootlessHost rootless, TestArchive archive)
    {
        SystemdHost host = rootless.Host;
        const string Shared = "/run/buildkit-rootless/buildkituser/buildkitd.sock";
        string before = host.Snapshot();
        host.Driver("grant", "--rootless", "--user", "nobody-of-that-name").Failed("NotFound");
        host.Driver("grant", "--rootless", "--engine", "ubuntu", "--user", "ubuntu").Failed("NotFound");
        host.DriverAs("ubuntu", "grant", "--rootless", "--engine", "buildkituser", "--user", "ubuntu").Failed("NotRoot");
        host.Driver("grant", "--rootless", "--user", "ubuntu", "--what-if").Ok();
        Assert.Equal(before, host.Snapshot());

        JsonElement granted = host.Driver("grant", "--rootless", "--user", "ubuntu").Ok().Json!.Value[0];
        Assert.Equal(("member", "unix://" + Shared), (granted.GetProperty("Is").GetString(), granted.GetProperty("Address").GetString()));
        Assert.Equal("buildkituser:buildkit-buildkituser 2750\nbuildkituser:buildkit-buildkituser 660", host.Shell($"stat -c '%U:%G %a' {Path.GetDirectoryName(Shared)} {Shared}").Trim());
        rootless.Build("ubuntu", Shared, archive);
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect", "--path", Shared).Ok()["Version"]);
        Assert.Equal("false", host.Driver("grant", "--rootless", "--user", "ubuntu").Ok().Json!.Value[0].GetProperty("Changed").GetRawText());

        // A second run of the installation leaves it as it is, and a reboot brings it back.
        Assert.Equal("false", host.Driver(["install", "--rootless", "--user", "buildkituser", .. archive.Options]).Ok()["Changed"]);
        host.Reboot();
        rootless.HasStartedByItself("buildkituser");
        rootless.Build("ubuntu", Shared, archive);
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect", "--path", Shared).Ok()["Version"]);
        Assert.Contains("Rootless: ", host.Driver("diagnose", "--path", Shared, "--as", "outsider").Ok()["Checks"], StringComparison.Ordinal);

        host.Driver("revoke", "--rootless", "--user", "ubuntu").Ok();
        Assert.NotEqual("true", host.DriverAs("ubuntu", "connect", "--path", Shared).Ok()["Connected"]);
        Assert.Equal(before, host.Snapshot());
        host.Driver("revoke", "--rootless", "--user", "ubuntu").Failed("NotFound");
        rootless.Build("buildkituser", rootless.SocketOf("buildkituser"), archive);
    }
}

public sealed class BookwormRootlessTests() : RootlessTests("bookworm");

public sealed class TrixieRootlessTests() : RootlessTests("trixie");
