using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// An engine without root on a kernel of its own, with cgroup v2 alone, where the kernel's own switches can be turned off for
/// real. With a real release an image is built; else the stand-in answers.
/// </summary>
public sealed class RootlessGuestTests
{
    // An export of the guest's own, mounted over /home: a home on a server, as the engine would see it. The kernel's server asks
    // programs which clients and paths there are, and finds here what it would ask for already told (proc(5) has none of this;
    // net/sunrpc/cache.c and fs/nfsd/export.c of the kernel: ip_map_parse, svc_export_parse, expkey_parse). 9234 is insecure,
    // async, no_subtree_check, fsid.
    private const string NfsHome =
        """
        modprobe nfsd; modprobe nfsv4; mount -t nfsd nfsd /proc/fs/nfsd; mkdir -p /srv/nfs/ubuntu; chown ubuntu:ubuntu /srv/nfs/ubuntu
        echo 10 > /proc/fs/nfsd/nfsv4gracetime; echo 10 > /proc/fs/nfsd/nfsv4leasetime
        echo "nfsd 127.0.0.1 2147483647 guest" > /proc/net/rpc/auth.unix.ip/channel
        echo "guest /srv/nfs 2147483647 9234 65534 65534 0" > /proc/net/rpc/nfsd.export/channel
        echo "guest 1 \\x00000000 2147483647 /srv/nfs" > /proc/net/rpc/nfsd.fh/channel
        echo "-3 +4" > /proc/fs/nfsd/versions; echo "tcp 2049" > /proc/fs/nfsd/portlist; echo 2 > /proc/fs/nfsd/threads
        mount -i -t nfs4 -o vers=4.2,addr=127.0.0.1,clientaddr=127.0.0.1,sec=sys 127.0.0.1:/ /home
        """;

    // As systemd.unified_cgroup_hierarchy=0 on the kernel's command line, which an emulated machine keeps over its reboots. The mount
    // must go once systemd has read it: over a /proc that is covered in part, no step can mount one of its own.
    private const string LegacyCgroups =
        """
        sed 's/$/ systemd.unified_cgroup_hierarchy=0/' /proc/cmdline > /etc/cmdline
        printf '#!/bin/sh\nmount -t proc proc /proc\nmount --bind /etc/cmdline /proc/cmdline\nexec /lib/systemd/systemd\n' > /usr/sbin/init.legacy
        chmod 755 /usr/sbin/init.legacy; ln -sf init.legacy /usr/sbin/init
        """;

    [Fact]
    public void TheKernelsSwitches_AHomeOnNfs_Cgroups_AndReboots()
    {
        TestArchive? archive = null;
        using QemuGuest guest = QemuGuest.Boot(host => archive = TestArchive.UnderTest(host));

        // There is no udev in the guest.
        const string Devices = "modprobe tun; chmod 666 /dev/net/tun";
        guest.Shell(Devices);
        string[] install = ["install", "--rootless", "--user", "buildkituser", .. archive!.Options, "--patience", "120"];
        foreach ((string? name, string? good, string? check) in ((string, string, string)[])[("user/max_user_namespaces", "4000", "User namespaces: user.max_user_namespaces is 0"), ("kernel/unprivileged_userns_clone", "1", "Unprivileged user namespaces: kernel.unprivileged_userns_clone is 0")])
        {
            guest.Shell($"echo 0 > /proc/sys/{name}");
            DriverAnswer refused = guest.Driver(install).Failed("RootlessBlocked");
            Assert.Contains(check, refused["Message"], StringComparison.Ordinal);
            Assert.Contains($"sudo sysctl -w {name.Replace('/', '.')}=", refused["Remedy"], StringComparison.Ordinal);
            guest.Shell($"echo {good} > /proc/sys/{name}; ! getent passwd buildkituser");
        }

        // Each by itself: one command of an emulated machine may take its time, but not all of it.
        foreach (string package in (string[])["uidmap", "rootlesskit", "iproute2", "slirp4netns", "dbus-user-session"])
        {
            guest.Shell($"DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends {package}");
        }

        guest.Shell(NfsHome);
        DriverAnswer home = guest.Driver(install).Failed("RootlessBlocked");
        Assert.Contains("Home: /home/buildkituser is on /home, a network file system (nfs4)", home["Message"], StringComparison.Ordinal);
        Assert.Contains("a user whose home is on a disk of this machine", home["Remedy"], StringComparison.Ordinal);
        Assert.Contains("\"Name\":\"Rootless: Home\",\"State\":\"Failed\",\"Evidence\":\"/home/ubuntu is on /home, a network file system (nfs4)", guest.Driver("diagnose", "--rootless", "--path", "/run/user/1000/buildkit/buildkitd.sock").Ok()["Checks"], StringComparison.Ordinal);

        // Which is so: on the disk a file can be given to a subordinate id, on the server it cannot.
        guest.Shell(
            """
            cd /tmp; runuser -u ubuntu -- rootlesskit chown 4:4 "$(runuser -u ubuntu -- mktemp)"
            runuser -u ubuntu -- touch /home/ubuntu/file; ! runuser -u ubuntu -- rootlesskit chown 4:4 /home/ubuntu/file
            umount /home; echo 0 > /proc/fs/nfsd/threads; umount /proc/fs/nfsd; ! getent passwd buildkituser
            """);

        // That the engine answers is waited for here; a diagnosis has less patience than an emulated machine may need.
        Assert.Contains(archive.Version, guest.Driver(install).Ok()["Engine"], StringComparison.Ordinal);
        string socket = $"/run/user/{guest.Shell("id -u buildkituser").Trim()}/buildkit/buildkitd.sock";
        DriverAnswer diagnosis = guest.Driver("diagnose", "--path", socket, "--as", "buildkituser").Ok();
        Assert.Contains("delegated to the user: ", diagnosis["Checks"], StringComparison.Ordinal);
        Assert.DoesNotContain("does not use only cgroup v2", diagnosis["Checks"], StringComparison.Ordinal);
        Build(guest, socket);

        // Lingering users' managers are nobody's dependency: the system may be up before they are.
        const string Restart = $"{Devices}; systemctl start user@$(id -u buildkituser).service; runuser -u buildkituser -- env XDG_RUNTIME_DIR=/run/user/$(id -u buildkituser) systemctl --user restart buildkit.service";
        guest.Reboot();
        guest.Shell(Restart);
        Assert.Equal("false", guest.Driver(install).Ok()["Changed"]);
        Build(guest, socket);

        // Without cgroup v2 it is told, and builds all the same.
        guest.Shell(LegacyCgroups);
        guest.Reboot();
        guest.Shell($"umount /proc/cmdline; test -d /sys/fs/cgroup/memory; ! test -e /sys/fs/cgroup/cgroup.controllers; {Restart}");
        Assert.Contains("\"Name\":\"Rootless: cgroup v2\",\"State\":\"Warning\",\"Evidence\":\"this host does not use only cgroup v2", guest.Driver("diagnose", "--path", socket, "--as", "buildkituser").Ok()["Checks"], StringComparison.Ordinal);
        Build(guest, socket);
    }

    private static void Build(QemuGuest guest, string socket)
    {
        if (!TestArchive.IsReal())
        {
            return;
        }

        string said = guest.Shell(
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
