using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// An engine without root on a kernel of its own, with cgroup v2 alone, where the kernel's own switches can be turned off for
/// real. With a real release an image is built; else the stand-in answers.
/// </summary>
public sealed class RootlessGuestTests
{
    [Fact]
    public void TheKernelsSwitches_Cgroups_AndAReboot()
    {
        TestArchive? archive = null;
        using var guest = QemuGuest.Boot(host => archive = TestArchive.UnderTest(host));

        // There is no udev in the guest.
        const string Devices = "modprobe tun; chmod 666 /dev/net/tun";
        guest.Shell(Devices);
        string[] install = ["install", "--rootless", "--user", "buildkituser", .. archive!.Options, "--patience", "120"];
        foreach (var (name, good, check) in ((string, string, string)[])[("user/max_user_namespaces", "4000", "User namespaces: user.max_user_namespaces is 0"), ("kernel/unprivileged_userns_clone", "1", "Unprivileged user namespaces: kernel.unprivileged_userns_clone is 0")])
        {
            guest.Shell($"echo 0 > /proc/sys/{name}");
            var refused = guest.Driver(install).Failed("RootlessBlocked");
            Assert.Contains(check, refused["Message"], StringComparison.Ordinal);
            Assert.Contains($"sudo sysctl -w {name.Replace('/', '.')}=", refused["Remedy"], StringComparison.Ordinal);
            guest.Shell($"echo {good} > /proc/sys/{name}; ! getent passwd buildkituser");
        }

        // Each by itself: one command of an emulated machine may take its time, but not all of it.
        foreach (var package in (string[])["uidmap", "rootlesskit", "iproute2", "slirp4netns", "dbus-user-session"])
        {
            guest.Shell($"DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends {package}");
        }

        // That the engine answers is waited for here; a diagnosis has less patience than an emulated machine may need.
        Assert.Contains(archive.Version, guest.Driver(install).Ok()["Engine"], StringComparison.Ordinal);
        var socket = $"/run/user/{guest.Shell("id -u buildkituser").Trim()}/buildkit/buildkitd.sock";
        var diagnosis = guest.Driver("diagnose", "--path", socket, "--as", "buildkituser").Ok();
        Assert.Contains("delegated to the user: ", diagnosis["Checks"], StringComparison.Ordinal);
        Assert.DoesNotContain("no pure cgroup v2", diagnosis["Checks"], StringComparison.Ordinal);
        Build(guest, socket);

        guest.Reboot();
        guest.Shell($"{Devices}; runuser -u buildkituser -- env XDG_RUNTIME_DIR=/run/user/$(id -u buildkituser) systemctl --user restart buildkit.service");
        Assert.Equal("false", guest.Driver(install).Ok()["Changed"]);
        Build(guest, socket);
    }

    private static void Build(QemuGuest guest, string socket)
    {
        if (TestArchive.Real is null)
        {
            return;
        }

        var said = guest.Shell(
            $$"""
            mkdir -p /srv/app; cp /usr/bin/busybox /srv/app/busybox
            printf 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","sh","-c","echo built > /made"]\n' > /srv/app/Dockerfile
            rm -rf /tmp/out
            runuser -u buildkituser -- /opt/buildkit/bin/buildctl --addr unix://{{socket}} build --no-cache --frontend dockerfile.v0 --local context=/srv/app --local dockerfile=/srv/app --output type=local,dest=/tmp/out --progress plain
            cat /tmp/out/made
            """);
        Assert.EndsWith("built\n", said, StringComparison.Ordinal);
    }
}
