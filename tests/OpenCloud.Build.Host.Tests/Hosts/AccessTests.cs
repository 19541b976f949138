using System.Text.Json;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>Who reaches the engine, who does not, and how that is explained.</summary>
public abstract class AccessTests(string suite)
{
    [Fact]
    public void UsersAndServices_AreGrantedAndRevoked()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        host.Driver("grant", "--user", "ubuntu").Failed("NotFound");
        host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok();

        // Nobody is let in who was not named.
        Assert.Equal("AccessDenied", host.DriverAs("ubuntu", "connect").Ok()["Version"]);
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect").Ok()["Version"]);

        // What cannot be done is refused before anything is done.
        host.Driver("grant", "--user", "ubuntu,nobody-of-that-name").Failed("NotFound");
        host.Driver("grant", "--user", "ubuntu", "--service", "no-such").Failed("NotFound");
        foreach (string odd in (string[])["a b", "x;reboot", "`reboot`", "../etc", "a|b", "a\nb"])
        {
            host.Driver("grant", "--user", $"ubuntu,{odd}").Failed("InvalidInput");
            host.Driver("grant", "--user", "ubuntu", "--service", odd).Failed("InvalidInput");
        }

        Assert.DoesNotContain("ubuntu", host.Run("getent", "group", "buildkit"), StringComparison.Ordinal);
        DriverAnswer plan = host.Driver("grant", "--user", "ubuntu", "--what-if").Ok();
        Assert.Equal("not a member", plan.Json!.Value[0].GetProperty("Is").GetString());
        Assert.DoesNotContain("ubuntu", host.Run("getent", "group", "buildkit"), StringComparison.Ordinal);

        // A user, twice; a session that runs already keeps its groups.
        host.Shell("systemd-run --quiet --unit=session --uid=ubuntu sleep 600");
        DriverAnswer answer = host.Driver("grant", "--user", "ubuntu").Ok();
        Assert.Contains("'buildkit' is equivalent to root", answer.Error, StringComparison.Ordinal);
        JsonElement granted = answer.Json!.Value[0];
        Assert.Equal(("not a member", "member"), (granted.GetProperty("Was").GetString(), granted.GetProperty("Is").GetString()));
        Assert.Contains("a new login", granted.GetProperty("Pending").GetString(), StringComparison.Ordinal);
        JsonElement again = host.Driver("grant", "--user", "ubuntu").Ok().Json!.Value[0];
        Assert.False(again.GetProperty("Changed").GetBoolean());
        Assert.Equal("true", host.DriverAs("ubuntu", "connect").Ok()["Connected"]);
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect").Ok()["Version"]);
        host.Shell("systemctl stop session");
        host.Driver("revoke", "--user", "ubuntu").Ok();
        Assert.Equal("AccessDenied", host.DriverAs("ubuntu", "connect").Ok()["Version"]);
        Assert.False(host.Driver("revoke", "--user", "ubuntu").Ok().Json!.Value[0].GetProperty("Changed").GetBoolean());

        // Root needs nothing, and neither does a service of root's.
        Assert.Equal("root", host.Driver("grant", "--user", "root").Ok().Json!.Value[0].GetProperty("Is").GetString());
        Assert.Equal("root", host.Driver("grant", "--service", "dbus-org.freedesktop.login1").Ok().Json!.Value[0].GetProperty("Is").GetString());
    }

    [Fact]
    public void ServiceOfAUser_ConnectsAfterTheDropIn_NotBefore()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok();
        host.Shell(
            $"""
            printf '[Service]\nUser=ubuntu\nType=exec\nRuntimeDirectory=opencloud\nRuntimeDirectoryPreserve=yes\nExecStartPre={SystemdHost.DriverCommand} connect\nExecStart=/bin/sleep infinity\nStandardOutput=append:/run/opencloud.out\n' > /etc/systemd/system/opencloud.service
            systemctl daemon-reload; systemctl start opencloud
            """);
        Assert.Contains("AccessDenied", host.Run("tail", "-n1", "/run/opencloud.out"), StringComparison.Ordinal);
        string before = host.Snapshot();
        JsonElement granted = host.Driver("grant", "--service", "opencloud").Ok().Json!.Value[0];
        Assert.Equal("a restart: systemctl restart opencloud.service", granted.GetProperty("Pending").GetString());

        // Nothing would start it after a boot.
        Assert.Contains("add an [Install] section", Assert.Single(granted.GetProperty("Notes").EnumerateArray()).GetString(), StringComparison.Ordinal);
        DriverAnswer diagnosis = host.Driver("diagnose", "--service", "opencloud").Ok();
        Assert.Equal("false", diagnosis["Reachable"]);
        Assert.Equal("sudo systemctl restart opencloud.service", diagnosis["Remedy"]);

        JsonElement restarted = host.Driver("grant", "--service", "opencloud", "--restart").Ok().Json!.Value[0];
        Assert.False(restarted.GetProperty("Changed").GetBoolean());
        Assert.Null(restarted.GetProperty("Pending").GetString());
        Assert.Contains("\"Connected\":true", host.Run("tail", "-n1", "/run/opencloud.out"), StringComparison.Ordinal);
        Assert.Equal("true", host.Driver("diagnose", "--service", "opencloud").Ok()["Reachable"]);
        Assert.Equal("false", host.Driver("diagnose", "--as", "ubuntu").Ok()["Reachable"]);
        host.Reboot();
        host.Shell("systemctl restart opencloud");
        Assert.Contains("\"Connected\":true", host.Run("tail", "-n1", "/run/opencloud.out"), StringComparison.Ordinal);

        host.Driver("revoke", "--service", "opencloud", "--restart").Ok();
        Assert.Contains("AccessDenied", host.Run("tail", "-n1", "/run/opencloud.out"), StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());

        // A drop-in that somebody wrote is refused, and kept.
        const string Edited = "/etc/systemd/system/opencloud.service.d/50-opencloud.build-buildkit.conf";
        host.Shell($"mkdir -p {Path.GetDirectoryName(Edited)}; echo '# mine' > {Edited}; systemctl daemon-reload");
        host.Driver("grant", "--service", "opencloud").Failed("Conflict");
        Assert.Equal("# mine", host.Shell($"cat {Edited}").Trim());
        host.Shell($"rm -r {Path.GetDirectoryName(Edited)}; systemctl daemon-reload");

        // A purge takes the group away; the service must still start.
        host.Driver("grant", "--service", "opencloud").Ok();
        host.Driver("uninstall", "--purge").Ok();
        host.Shell("systemctl restart opencloud");
    }

    [Fact]
    public void ContainerdsSocket_IsOpenedToAGroupOfItsOwn()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        host.Driver("grant", "--containerd", "--user", "ubuntu").Failed("NotFound");
        host.Shell("apt-get install -y -q --no-install-recommends containerd >/dev/null 2>&1");
        string before = host.Snapshot();
        Assert.Equal("AccessDenied", host.DriverAs("ubuntu", "connect", "--path", "/run/containerd/containerd.sock").Ok()["Version"]);
        DriverAnswer granted = host.Driver("grant", "--containerd", "--user", "ubuntu").Ok();
        Assert.Contains("equivalent to root", granted.Error, StringComparison.Ordinal);
        Assert.Equal("true", host.DriverAs("ubuntu", "connect", "--path", "/run/containerd/containerd.sock").Ok()["Connected"]);
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect", "--path", "/run/containerd/containerd.sock").Ok()["Version"]);
        host.Shell("systemctl restart containerd");
        Assert.Equal("true", host.DriverAs("ubuntu", "connect", "--path", "/run/containerd/containerd.sock").Ok()["Connected"]);
        host.Driver("revoke", "--containerd", "--user", "ubuntu").Ok();
        Assert.Equal("AccessDenied", host.DriverAs("ubuntu", "connect", "--path", "/run/containerd/containerd.sock").Ok()["Version"]);
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void TheStoryOfARefusal_IsToldWhole()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        void Told(DriverAnswer diagnosis, string story, string? remedy)
        {
            Assert.Equal("false", diagnosis.Ok()["Reachable"]);
            Assert.Contains(story, diagnosis["Story"], StringComparison.Ordinal);
            if (remedy is not null)
            {
                Assert.Contains(remedy, diagnosis["Remedy"], StringComparison.Ordinal);
            }
        }

        Told(host.Driver("diagnose"), "The socket /run/buildkit/buildkitd.sock does not exist", "Install-BuildKit");
        host.Driver(["install", .. archive.Options]).Ok();
        DriverAnswer fine = host.Driver("diagnose").Ok();
        Assert.Equal("true", fine["Reachable"]);
        foreach (string name in (string[])["Path", "Directory /run/buildkit", "Type", "Owner, group and mode", "Groups", "Socket unit", "Service unit", "Connection", "HTTP/2", "gRPC", "Version", "Workers"])
        {
            Assert.Contains($"\"Name\":\"{name}\"", fine["Checks"], StringComparison.Ordinal);
        }

        Told(host.DriverAs("outsider", "diagnose"), "outsider is not a member of 'buildkit'", "Grant-BuildKitAccess -User outsider");
        Told(host.Driver("diagnose", "--as", "outsider"), "outsider is not a member of 'buildkit'", "Grant-BuildKitAccess -User outsider");
        host.DriverAs("outsider", "diagnose", "--as", "ubuntu").Failed("NotRoot");
        host.Driver("diagnose", "--as", "nobody-of-that-name").Failed("NotFound");

        // A session from before the grant.
        host.Driver("grant", "--user", "ubuntu").Ok();
        Assert.Equal("true", host.Driver("diagnose", "--as", "ubuntu").Ok()["Reachable"]);
        DriverAnswer old = DriverAnswer.Of(host.Try(["setpriv", "--reuid=ubuntu", "--regid=ubuntu", "--clear-groups", .. SystemdHost.DriverCommand.Split(' '), "diagnose"]));
        Told(old, "this session began before that", "Log out and in again");

        Told(host.Driver("diagnose", "--path", "/run/containerd/containerd.sock"), "is not BuildKit", null);
        Told(host.Driver("diagnose", "--path", "/run/dbus/system_bus_socket"), "", null);
        Told(host.Driver("diagnose", "--path", "/etc/passwd"), "is not a socket", null);
        Told(host.Driver("diagnose", "--path", "/run/wrong.sock"), "there is /run/buildkit/buildkitd.sock", "Test-BuildKitSocket");

        // A folder that is closed to all but the group says no less than the socket.
        host.Driver("revoke", "--user", "ubuntu").Ok();
        host.Shell("chmod 2750 /run/buildkit");
        Told(host.Driver("diagnose", "--as", "ubuntu"), "is not a member of 'buildkit'", "Grant-BuildKitAccess");
        host.Driver("grant", "--user", "ubuntu").Ok();
        old = DriverAnswer.Of(host.Try(["setpriv", "--reuid=ubuntu", "--regid=ubuntu", "--clear-groups", .. SystemdHost.DriverCommand.Split(' '), "diagnose"]));
        Told(old, "this session began before that", "Log out and in again");

        // One that members can write to works, and the risk is named; installing again mends this module's own.
        host.Shell("chmod 2775 /run/buildkit");
        DriverAnswer risky = host.Driver("diagnose", "--as", "ubuntu").Ok();
        Assert.Equal("true", risky["Reachable"]);
        Assert.Contains("can replace the engine's socket", risky["Checks"], StringComparison.Ordinal);
        host.Driver(["install", .. archive.Options]).Ok();
        Assert.Equal("root:buildkit 2755", host.Shell("stat -c '%U:%G %a' /run/buildkit").Trim());

        host.Shell("chmod 0700 /run/buildkit");
        Told(host.Driver("diagnose", "--as", "ubuntu"), "The directory /run/buildkit is not accessible for ubuntu", "systemd-tmpfiles --create");
        host.Shell("systemd-tmpfiles --create /etc/tmpfiles.d/opencloud.build.conf; chgrp root /run/buildkit/buildkitd.sock");
        Told(host.Driver("diagnose", "--as", "ubuntu"), "No group has access to the socket", "Install-BuildKit");
        host.Shell("systemctl stop buildkit.socket buildkit.service");
        Told(host.Driver("diagnose"), "The socket /run/buildkit/buildkitd.sock does not exist", "systemctl start buildkit.socket");

        // A file that its daemon left behind.
        host.Shell($"systemd-run --quiet --unit=gone {SystemdHost.DriverCommand} buildkitd --addr unix:///run/gone.sock; for i in $(seq 100); do test -S /run/gone.sock && break; sleep 0.1; done; systemctl kill -s KILL gone; while systemctl is-active -q gone; do sleep 0.1; done");
        Told(host.Driver("diagnose", "--path", "/run/gone.sock"), "no longer running", "rm /run/gone.sock");
    }
}

public sealed class BookwormAccessTests() : AccessTests("bookworm");

public sealed class TrixieAccessTests() : AccessTests("trixie");
