using System.Text.Json;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>What goes wrong with engines without root: traps that are provoked and found before anything is changed, and work that is cut off.</summary>
public abstract class RootlessFailureTests(string suite)
{
    [Fact]
    public void EveryTrapThatCanBeProvokedHere_IsFoundBeforeAnythingIsChanged()
    {
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.UnderTest(host);
        host.Shell("apt-get install -y -q --no-install-recommends uidmap rootlesskit >/dev/null 2>&1");
        (string Break, string Mend, string Check, string Evidence, string Remedy)[] traps =
        [
            ("chmod u-s /usr/bin/newuidmap", "chmod u+s /usr/bin/newuidmap", "newuidmap", "neither set-uid root nor", "chmod u+s /usr/bin/newuidmap"),
            ("chmod u-s /usr/bin/newgidmap", "chmod u+s /usr/bin/newgidmap", "newgidmap", "neither set-uid root nor", "chmod u+s /usr/bin/newgidmap"),
            ("mount --bind /usr/bin/newuidmap /usr/bin/newuidmap; mount -o remount,bind,nosuid /usr/bin/newuidmap", "umount /usr/bin/newuidmap", "newuidmap", "mounted nosuid", "mount -o remount,suid /usr/bin/newuidmap"),
            ("cp /etc/subuid /tmp/subuid; sed -i s/^outsider:.*/outsider:150000:65536/ /etc/subuid", "cp /tmp/subuid /etc/subuid", "Subordinate user ids", "outsider has 150000-215535", "usermod --del-subuids 100000-165535 ubuntu"),
            ("cp /etc/subgid /tmp/subgid; sed -i s/^outsider:.*/outsider:150000:65536/ /etc/subgid", "cp /tmp/subgid /etc/subgid", "Subordinate group ids", "outsider has 150000-215535", "usermod --del-subgids 100000-165535 ubuntu"),
            ("mount -t tmpfs -o noexec,mode=755 none /home", "umount /home", "Home", "mounted noexec", "mount -o remount,exec /home"),
            ("chmod 600 /dev/net/tun", "chmod 666 /dev/net/tun", "/dev/net/tun", "ubuntu has no access", "chmod 666 /dev/net/tun"),
            ("mv /etc/hosts /tmp/hosts", "mv /tmp/hosts /etc/hosts", "/etc/hosts", "rootlesskit does not start without", "tee /etc/hosts"),

            // The kernel is this machine's own: only what it says is changed. Lazily taken back: somebody of the host may be reading.
            ("echo 0 > /tmp/zero; mount --bind /tmp/zero /proc/sys/user/max_user_namespaces", "umount -l /proc/sys/user/max_user_namespaces", "User namespaces", "user namespaces are disabled", "sysctl -w user.max_user_namespaces=28633"),
            ("cp -r /proc/sys/kernel /tmp/kernel 2>/dev/null || true; echo 0 > /tmp/kernel/unprivileged_userns_clone; mount --bind /tmp/kernel /proc/sys/kernel", "umount -l /proc/sys/kernel; rm -r /tmp/kernel", "Unprivileged user namespaces", "only root can create a user namespace", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ];
        foreach ((string? breaks, string? mend, string? name, string? evidence, string? remedy) in traps)
        {
            host.Shell(breaks);
            string before = host.Snapshot();
            DriverAnswer refused = host.Driver(["install", "--rootless", "--user", "ubuntu", .. archive.Options]).Failed("RootlessBlocked");
            Assert.Contains($"{name}: ", refused["Message"], StringComparison.Ordinal);
            Assert.Contains(evidence, refused["Message"], StringComparison.Ordinal);
            Assert.Contains(remedy, refused["Remedy"], StringComparison.Ordinal);
            Assert.Equal("Nothing was changed.", refused["Aftermath"]);
            Assert.Equal(before, host.Snapshot());
            JsonElement.ArrayEnumerator checks = host.Driver("diagnose", "--path", "/run/user/1000/buildkit/buildkitd.sock").Ok().Json!.Value.GetProperty("Checks").EnumerateArray();
            JsonElement found = Assert.Single(checks, check => check.GetProperty("Name").GetString() == $"Rootless: {name}");
            Assert.Equal("Failed", found.GetProperty("State").GetString());
            Assert.Contains(evidence, found.GetProperty("Evidence").GetString(), StringComparison.Ordinal);
            host.Shell(mend);
        }

        // These stop nothing, and are told of.
        host.Shell("systemctl start user@1000.service; mount -o remount,hidepid=2 /proc");
        string? told = host.Driver("diagnose", "--rootless", "--path", "/run/user/1000/buildkit/buildkitd.sock").Ok()["Checks"];
        Assert.Contains("/proc is mounted with hidepid=", told, StringComparison.Ordinal);
        Assert.Contains("not delegated to the user", told, StringComparison.Ordinal);

        // Before 5.11 overlays take fuse-overlayfs.
        host.Shell("echo 5.10.0-30-amd64 > /tmp/release; mount --bind /tmp/release /proc/sys/kernel/osrelease");
        Assert.Contains("5.11 or later does), and fuse-overlayfs is not installed", host.Driver("diagnose", "--rootless", "--path", "/run/user/1000/buildkit/buildkitd.sock").Ok()["Checks"], StringComparison.Ordinal);
        Assert.Contains("\"Target\":\"fuse-overlayfs\"", host.Driver(["install", "--rootless", "--user", "ubuntu", "--what-if", .. archive.Options]).Ok()["Steps"], StringComparison.Ordinal);
        host.Shell("umount -l /proc/sys/kernel/osrelease");

        // AppArmor's restriction, as Ubuntu has it: this kernel has no such switch, so it is put there. Debian 13 has a profile
        // for /usr/bin/rootlesskit; a link to another place is not that. Its parser takes the profile.
        host.Shell("cp -r /proc/sys/kernel /tmp/kernel 2>/dev/null || true; echo 1 > /tmp/kernel/apparmor_restrict_unprivileged_userns; mount --bind /tmp/kernel /proc/sys/kernel; mkdir /usr/local/lib/kit; cp /usr/bin/rootlesskit /usr/local/lib/kit/; ln -s ../lib/kit/rootlesskit /usr/local/bin/rootlesskit");
        string profile = host.DriverAs("ubuntu", ["install", "--rootless", "--what-if", .. archive.Options]).Ok()["RootScript"]!;
        Assert.Contains("\nprofile opencloud.build.usr.local.lib.kit.rootlesskit \"/usr/local/lib/kit/rootlesskit\" flags=(unconfined) {\n  userns,\n", profile, StringComparison.Ordinal);
        Assert.Contains("apparmor_parser -r /etc/apparmor.d/opencloud.build.usr.local.lib.kit.rootlesskit\n", profile, StringComparison.Ordinal);
        host.Shell("umount -l /proc/sys/kernel; rm -r /usr/local/bin/rootlesskit /usr/local/lib/kit");
        if (suite == "trixie")
        {
            int from = profile.IndexOf("# Written by", StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(host.Share, "profile"), profile[from..profile.IndexOf("EOF\n", from, StringComparison.Ordinal)]);
            host.Run("apparmor_parser", "--skip-kernel-load", "--skip-cache", "/ocb/share/profile");
        }

        // As an ordinary user the script mends what a script can; with hidepid all the same.
        host.Shell("chmod u-s /usr/bin/newuidmap; rm -f /etc/hosts");
        string script = host.DriverAs("ubuntu", ["install", "--rootless", .. archive.Options]).Ok()["RootScript"]!;
        Assert.Contains("chmod u+s /usr/bin/newuidmap\n", script, StringComparison.Ordinal);
        Assert.Contains("> /etc/hosts\n", script, StringComparison.Ordinal);
        host.Shell("sh /home/ubuntu/.local/state/opencloud.build/as-root.sh >/dev/null 2>&1");
        Assert.NotEqual("null", host.DriverAs("ubuntu", ["install", "--rootless", .. archive.Options]).Ok()["Engine"]);
        host.Shell("grep -q hidepid= /proc/self/mountinfo");
        rootless.Build("ubuntu", rootless.SocketOf("ubuntu"), archive, "/home/ubuntu/.local");

        // What such a script did, one may take back; a profile by somebody else is not named.
        AppArmorProfile ours = AppArmorProfile.For("/usr/bin/rootlesskit");
        File.WriteAllText(Path.Combine(host.Share, "profile"), ours.Text);
        host.Shell($"cp /ocb/share/profile {ours.Path}");
        string back = host.DriverAs("ubuntu", "uninstall", "--rootless", "--purge").Ok()["RootScript"]!;
        Assert.Contains($"\nrm -f {ours.Path} ", back, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(host.Share, "back"), back);
        host.Shell($"sh /ocb/share/back; ! test -e {ours.Path}; ! test -e /var/lib/systemd/linger/ubuntu");
    }

    [Fact]
    public void AnEngineThatDies_OrIsKilledHalfway_LeavesTheHostAsItWas()
    {
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        string before = host.Snapshot();
        string[] whose = ["--rootless", "--user", "buildkituser"];
        TestArchive dying = TestArchive.StandIn(host, "v0.31.0", "--die");
        Assert.Equal("The host was restored to its previous state.", host.Driver(["install", .. whose, .. dying.Options]).Failed("EngineSilent")["Aftermath"]);
        Assert.Equal(before, host.Snapshot());

        // As the machine's power would: the next run takes it up, and knows what was there before.
        TestArchive old = TestArchive.StandIn(host, "v0.16.0");
        foreach (string target in (string[])["slirp4netns", "/etc/subgid", "buildkitd.toml", "buildkit.service"])
        {
            Assert.NotEqual(0, host.Driver(["install", .. whose, "--kill-at", target, .. old.Options]).Code);
        }

        Assert.Equal("true", host.Driver(["install", .. whose, .. old.Options]).Ok()["Changed"]);
        Assert.Contains("keepBytes", host.Run("cat", "/home/buildkituser/.config/buildkit/buildkitd.toml"), StringComparison.Ordinal);
        string settled = host.Snapshot();

        // To another version; back when that one does not answer.
        host.Driver("update", "--rootless", "--user", "ubuntu").Failed("NotFound");
        Assert.Contains("There is no previous version", host.Driver(["update", .. whose, "--rollback"]).Failed("NotFound")["Message"], StringComparison.Ordinal);
        TestArchive mute = TestArchive.StandIn(host, "v0.30.0", "--mute");
        host.Driver(["update", .. whose, "--patience", "3", .. mute.Options]).Failed("EngineSilent");
        Assert.Equal(settled, host.Snapshot());
        Assert.Contains("v0.16.0", host.Driver("diagnose", "--path", rootless.SocketOf("buildkituser"), "--as", "buildkituser").Ok()["Version"], StringComparison.Ordinal);
        TestArchive archive = TestArchive.UnderTest(host);
        DriverAnswer updated = host.Driver(["update", .. whose, .. archive.Options]).Ok();
        Assert.Equal(("v0.16.0", archive.Version), (updated["PreviousVersion"], updated["Version"]));
        rootless.Build("buildkituser", rootless.SocketOf("buildkituser"), archive);

        // Back by wish, and forth again; an update that fails does not cost the way back.
        Assert.Equal("v0.16.0", host.Driver("get", "--rootless").Ok().Json!.Value[0].GetProperty("PreviousVersion").GetString());
        DriverAnswer back = host.Driver(["update", .. whose, "--rollback"]).Ok();
        Assert.Equal((archive.Version, "v0.16.0"), (back["PreviousVersion"], back["Version"]));
        Assert.Contains("v0.16.0", back["Engine"], StringComparison.Ordinal);
        Assert.Contains(old.Sha256, back["Integrity"], StringComparison.Ordinal);
        string rolled = host.Snapshot();
        Assert.Equal(settled, string.Join('\n', rolled.Split('\n').Where(line => !line.Contains("/bin/.opencloud.build/previous/", StringComparison.Ordinal))));
        Assert.Equal("false", host.Driver(["install", .. whose, .. old.Options]).Ok()["Changed"]);
        host.Driver(["update", .. whose, "--patience", "3", .. mute.Options]).Failed("EngineSilent");
        Assert.Equal(rolled, host.Snapshot());
        Assert.Equal(archive.Version, host.Driver(["update", .. whose, "--rollback"]).Ok()["Version"]);
        rootless.Build("buildkituser", rootless.SocketOf("buildkituser"), archive);

        // What the user changed is kept, and said so.
        host.Shell("echo '# mine' >> /home/buildkituser/.config/systemd/user/buildkit.service");
        Assert.Contains("+WantedBy=default.target\n", host.Driver(["install", .. whose, .. archive.Options]).Failed("Conflict")["Message"]!.Replace(" WantedBy", "+WantedBy", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("was edited and is kept", host.Driver(["uninstall", .. whose]).Ok()["Messages"], StringComparison.Ordinal);
        host.Shell("rm -r /home/buildkituser/.config/systemd");
        host.Driver(["uninstall", .. whose, "--purge"]).Ok();
        Assert.Equal(before, host.Snapshot());
    }
}

public sealed class BookwormRootlessFailureTests() : RootlessFailureTests("bookworm");

public sealed class TrixieRootlessFailureTests() : RootlessFailureTests("trixie");
