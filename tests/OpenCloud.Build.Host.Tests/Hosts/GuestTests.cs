using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// An engine reached over vsock, in a virtual machine with a kernel of its own: through its loopback, and from out here through
/// the unix socket of its monitor. With a real release an image is built both ways; else the stand-in answers.
/// </summary>
public sealed class GuestTests
{
    private const string Loopback = "vsock://local:8088";

    private const string UnitsScript = "find /etc/systemd/system | sort; systemctl list-units --all --plain --no-legend --type=socket,service 'opencloud-build-*' | cut -d' ' -f1";

    // Emulated, on a machine that has more to do.
    private static readonly string[] Patience = ["--patience", "240"];

    [Fact]
    public void AnIsolatedEngine_OverVsock_FromWithinAndFromOutside()
    {
        TestArchive? archive = null;
        using QemuGuest guest = QemuGuest.Boot(host => archive = TestArchive.UnderTest(host));
        string before = guest.Shell(SystemdHost.SnapshotScript);
        string outside = $"vsock+unix://{guest.VsockPath}:8088";

        // Nothing listens yet: that is retried, told, and said in words.
        DriverAnswer early = QemuGuest.DriverOutside("ask", "--address", outside, "--patience", "4");
        Refused(early);
        Assert.Contains("no process in the virtual machine listens on port 8088", early["Attempts"], StringComparison.Ordinal);
        Assert.True(early.Json!.Value.GetProperty("Attempts").GetArrayLength() > 2, early["Attempts"]);

        // A network that the guest has and its engine must not have.
        guest.Shell("modprobe dummy; busybox ip link add eth0 type dummy; busybox ip addr add 10.7.7.1/24 dev eth0; busybox ip link set eth0 up; busybox ip route add default via 10.7.7.2");

        string[] install = ["install", "--isolated", "--vsock-port", "8088", .. archive!.Options, .. Patience];
        DriverAnswer first = guest.Driver(install).Ok();
        Assert.Equal(("true", "8088"), (first["Isolated"], first["VsockPort"]));
        Assert.Contains("AF_VSOCK has no users and no modes", first["Messages"], StringComparison.Ordinal);
        Answers(guest, outside);
        Assert.Equal("lo\n", guest.Shell(IsolationTests.EngineInterfaces));

        // Nothing at the port, no such machine, and the host, which has no such port.
        Refused(QemuGuest.DriverOutside("ask", "--address", $"vsock+unix://{guest.VsockPath}:8089", "--patience", "4"));
        IReadOnlyList<DriverAnswer> strangers = guest.Driver("ask-all", "--address", "vsock://1:8089,vsock://77:8088,vsock://host:8088", "--patience", "6").Each();
        Refused(strangers[0]);
        Assert.All(strangers, static one => Assert.Equal("false", one["Answers"]));
        Assert.All(strangers, static one => Assert.DoesNotContain("Other: ", one["Attempts"], StringComparison.Ordinal));

        LeadsToContainers(guest);
        if (TestArchive.IsReal())
        {
            IsolatedBuild.Prepare(guest);
            IsolatedBuild.Prove(guest, Loopback);
            BuildFromOutside(outside);
        }

        guest.Reboot();
        Answers(guest, outside);
        Assert.Equal("false", guest.Driver(install).Ok()["Changed"]);
        Assert.Equal("lo\n", guest.Shell(IsolationTests.EngineInterfaces));
        if (TestArchive.IsReal())
        {
            BuildFromOutside(outside);
        }

        // The port goes, and another comes; the engine stays as it is. Then it all goes.
        DriverAnswer closed = guest.Driver(["install", "--vsock-port", "0", .. archive.Options, .. Patience]).Ok();
        Assert.Equal(("true", "true", "null"), (closed["Changed"], closed["Isolated"], closed["VsockPort"]));
        Refused(QemuGuest.DriverOutside("ask", "--address", outside, "--patience", "4"));
        guest.Shell("! test -e /etc/systemd/system/buildkit-vsock.socket; systemctl is-active buildkit");
        Assert.Equal("9000", guest.Driver(["install", "--vsock-port", "9000", .. archive.Options, .. Patience]).Ok()["VsockPort"]);
        Assert.Equal("true", QemuGuest.DriverOutside("ask", "--address", $"vsock+unix://{guest.VsockPath}:9000").Ok()["Answers"]);
        guest.Driver("uninstall", "--purge").Ok();
        Refused(QemuGuest.DriverOutside("ask", "--address", $"vsock+unix://{guest.VsockPath}:9000", "--patience", "4"));
        guest.Shell("rm -rf /srv/app /srv/deb /srv/www /srv/layout");
        Assert.Equal(before, guest.Shell(SystemdHost.SnapshotScript));
    }

    // The ports of engines in containers: one whose engine has a socket, and one that the docker command reaches. The installed engine stands in for both.
    private static void LeadsToContainers(QemuGuest guest)
    {
        string before = guest.Shell(UnitsScript);
        guest.Shell("""
            cat >/usr/bin/docker <<'END'
            #!/usr/bin/perl
            use IO::Socket::UNIX; use IO::Select;
            "@ARGV" eq '--host unix:///run/docker.sock exec -i box2 buildctl dial-stdio' or die "@ARGV";
            my $engine = IO::Socket::UNIX->new('/run/buildkit/buildkitd.sock') or die $!;
            my %to = (fileno(STDIN) => $engine, fileno($engine) => \*STDOUT);
            my $both = IO::Select->new(\*STDIN, $engine);
            while (my @ready = $both->can_read) { for (@ready) { sysread($_, my $data, 65536) or exit; syswrite($to{fileno $_}, $data) } }
            END
            chmod 0755 /usr/bin/docker
            """);
        string[] proxied = ["open-vsock", "--engine", "box", "--store", "unix:///run/containerd/containerd.sock", "--socket", "/run/buildkit/buildkitd.sock"];
        string[] carried = ["open-vsock", "--engine", "box2", "--store", "docker:///run/docker.sock", "--docker", "/run/docker.sock"];
        Assert.Equal("8091", guest.Driver([.. proxied, "--port", "8091"]).Ok()["Port"]);
        Assert.Equal("8092", guest.Driver([.. proxied, "--port", "8092"]).Ok()["Port"]);
        Assert.Equal("8093", guest.Driver([.. carried, "--port", "8093"]).Ok()["Port"]);
        Refused(QemuGuest.DriverOutside("ask", "--address", $"vsock+unix://{guest.VsockPath}:8091", "--patience", "4"));
        foreach (string port in (string[])["8092", "8093"])
        {
            DriverAnswer answer = QemuGuest.DriverOutside("ask", "--address", $"vsock+unix://{guest.VsockPath}:{port}");
            Assert.True(answer.Ok()["Answers"] == "true", answer["Message"] + guest.Shell("journalctl --no-pager -n 40 -u 'opencloud-build-*'"));
        }

        // The port of another is refused, and the one that was open stays.
        Assert.Contains("does not start", guest.Driver([.. carried, "--port", "8092"]).Failed("EngineSilent")["Message"], StringComparison.Ordinal);
        DriverAnswer stays = QemuGuest.DriverOutside("ask", "--address", $"vsock+unix://{guest.VsockPath}:8093");
        Assert.True(stays.Ok()["Answers"] == "true", stays["Message"]);
        Assert.Equal("null", guest.Driver("close-vsock", "--engine", "box2", "--store", carried[4]).Ok()["Port"]);

        // One that had none has none after a failure.
        guest.Driver([.. carried, "--port", "8092"]).Failed("EngineSilent");
        Assert.Equal("null", guest.Driver("close-vsock", "--engine", "box", "--store", proxied[4]).Ok()["Port"]);
        guest.Shell("rm /usr/bin/docker");
        Assert.Equal(before, guest.Shell(UnitsScript));
    }

    // The last attempt may run into the end of the time for all of them; those before it tell.
    private static void Refused(DriverAnswer answer)
        => Assert.True(answer.Ok()["Answers"] == "false" && answer["Attempts"]!.Contains("Refused: ", StringComparison.Ordinal), answer["Message"] + answer["Attempts"]);

    private static void Answers(QemuGuest guest, string outside)
    {
        foreach (DriverAnswer answer in (DriverAnswer[])[.. guest.Driver(["ask-all", "--address", $"{Loopback},vsock://3:8088", .. Patience]).Each(), QemuGuest.DriverOutside("ask", "--address", outside)])
        {
            Assert.True(answer.Ok()["Answers"] == "true", answer["Message"]);
        }
    }

    private static void BuildFromOutside(string address)
    {
        string context = Directory.CreateTempSubdirectory("ocb-context-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(context, "Dockerfile"), "FROM scratch\nCOPY data /data\n");
            File.WriteAllBytes(Path.Combine(context, "data"), new byte[200_000]);
            DriverAnswer built = QemuGuest.DriverOutside("build", "--address", address, "--context", context, "--no-cache").Ok();
            Assert.True(built["Built"] == "true", built["Message"] + built["Log"]);
        }
        finally
        {
            Directory.Delete(context, recursive: true);
        }
    }
}
