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
