using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// Every way to be refused, as a member of the group meets it: asked by himself, by root for him, and by root for a service that
/// runs as him. Each is broken, told, mended by the very command that is told where it is one, and fine again.
/// </summary>
public abstract class StoryTests(string suite)
{
    private const string Engine = "/run/buildkit/buildkitd.sock";

    private static readonly Case[] Cases =
    [
        new("the directory is closed", "chmod 0700 /run/buildkit", Engine, "The directory /run/buildkit is not accessible for ", "sudo systemd-tmpfiles --create /etc/tmpfiles.d/opencloud.build.conf"),
        new("the socket has no group", $"chgrp root {Engine}", Engine, "No group has access to the socket", "Install-BuildKit", $"chgrp buildkit {Engine}"),
        new("the group may not write", $"chmod 0600 {Engine}", Engine, "No group has access to the socket", "Install-BuildKit", $"chmod 0660 {Engine}"),
        new(
            "a dead daemon's socket",
            $"systemctl stop buildkit.socket buildkit.service; perl -MSocket -e 'socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, sockaddr_un(\"{Engine}\")) or die; listen($s, 1)'; chgrp buildkit {Engine}; chmod 0660 {Engine}",
            Engine,
            "is the socket of an engine that is no longer running",
            "sudo systemctl restart buildkit.socket"),
        new("nobody listens", "systemctl stop buildkit.socket buildkit.service", Engine, "The socket /run/buildkit/buildkitd.sock does not exist", "sudo systemctl start buildkit.socket"),
        new("a wrong path", "true", "/run/buildkit/buildkit.sock", "but there is /run/buildkit/buildkitd.sock: check the address.", "Test-BuildKitSocket unix:///run/buildkit/buildkitd.sock"),
        new("a file", "true", "/etc/passwd", "/etc/passwd is not a socket", "ls -l /etc/passwd"),
        new("a directory that is none", "true", "/etc/passwd/buildkitd.sock", "/etc/passwd is not a directory", null),
        new("containerd's socket", "chgrp buildkit /run/containerd/containerd.sock; chmod 0660 /run/containerd/containerd.sock; chmod 0711 /run/containerd", "/run/containerd/containerd.sock", "is not BuildKit", null, "chgrp root /run/containerd/containerd.sock"),
        new("containerd's socket, closed", "chmod 0711 /run/containerd", "/run/containerd/containerd.sock", "No group has access to the socket", "sudo chgrp GROUP"),
        new("the bus of the system", "true", "/run/dbus/system_bus_socket", "another program", null),
        new("an engine that hangs", $"systemd-run --quiet --unit=open {SystemdHost.DriverCommand} buildkitd --addr unix:///run/open.sock --mute; for i in $(seq 300); do test -S /run/open.sock && break; sleep 0.1; done; chmod 0666 /run/open.sock", "/run/open.sock", "accepts connections, but does not answer", null, "systemctl stop open"),
    ];

    [Fact]
    public void EachIsTold_ToTheUser_AndToRootForUserAndService()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        host.Driver(["install", .. archive.Options]).Ok();
        host.Shell("printf '[Service]\\nUser=ubuntu\\nExecStart=/bin/sleep infinity\\n' > /etc/systemd/system/opencloud.service; systemctl daemon-reload; systemctl start opencloud");
        (string Who, Func<string, DriverAnswer> Ask)[] everyone = new (string Who, Func<string, DriverAnswer> Ask)[]
        {
            ("himself", path => host.DriverAs("ubuntu", "diagnose", "--path", path)),
            ("-As", path => host.Driver("diagnose", "--path", path, "--as", "ubuntu")),
            ("-Service", path => host.Driver("diagnose", "--path", path, "--service", "opencloud")),
        };

        // No member yet; then one whose service started before that.
        Told(everyone[0].Ask(Engine), "no member", "ubuntu is not a member of 'buildkit'", "Grant-BuildKitAccess -User ubuntu");
        Told(everyone[1].Ask(Engine), "no member", "ubuntu is not a member of 'buildkit'", "Grant-BuildKitAccess -User ubuntu");
        Told(everyone[2].Ask(Engine), "no member", "opencloud.service is not a member of 'buildkit'", "Grant-BuildKitAccess -Service opencloud.service -Restart");
        host.Driver("grant", "--user", "ubuntu", "--service", "opencloud").Ok();
        Told(everyone[2].Ask(Engine), "started before", "it was started before that", "sudo systemctl restart opencloud.service");
        host.Shell("systemctl restart opencloud");
        DriverAnswer old = DriverAnswer.Of(host.Try(["setpriv", "--reuid=ubuntu", "--regid=ubuntu", "--clear-groups", .. SystemdHost.DriverCommand.Split(' '), "diagnose"]));
        Told(old, "a login from before", "this session began before that", "newgrp buildkit");

        foreach (Case one in Cases)
        {
            host.Shell(one.Break);
            foreach ((string? who, Func<string, DriverAnswer>? ask) in everyone)
            {
                Told(ask(one.Path), $"{one.Name}, {who}", one.Story, one.Remedy);
            }

            host.Shell($"{(one.Mend ?? (one.Remedy?.StartsWith("sudo ", StringComparison.Ordinal) == true && !one.Remedy.Contains("GROUP", StringComparison.Ordinal) ? one.Remedy[5..] : "true"))}; systemctl start buildkit.service");
            foreach ((string? who, Func<string, DriverAnswer>? ask) in everyone)
            {
                DriverAnswer fine = ask(Engine);
                Assert.True(fine["Reachable"] == "true", $"{one.Name}, mended, {who}: {fine.Error}");
            }
        }
    }

    private static void Told(DriverAnswer diagnosis, string name, string story, string? remedy)
    {
        Assert.True(diagnosis.Code == 0 && diagnosis["Reachable"] == "false", $"{name}: {diagnosis.Error}");
        Assert.True(diagnosis["Story"]!.Contains(story, StringComparison.Ordinal), $"{name}: {diagnosis.Error}");
        Assert.True(remedy is null || diagnosis["Remedy"]?.Contains(remedy, StringComparison.Ordinal) == true, $"{name}: {diagnosis.Error}");
        Assert.Contains("\"State\":\"Failed\"", diagnosis["Checks"], StringComparison.Ordinal);
    }

    private sealed record Case(string Name, string Break, string Path, string Story, string? Remedy, string? Mend = null);
}

public sealed class BookwormStoryTests() : StoryTests("bookworm");

public sealed class TrixieStoryTests() : StoryTests("trixie");
