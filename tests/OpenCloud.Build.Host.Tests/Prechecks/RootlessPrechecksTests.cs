using OpenCloud.Build.Host.Prechecks;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Prechecks;

public sealed class RootlessPrechecksTests
{
    private readonly FakeView _view = new();

    private PrecheckSubject _subject = new("builder", FakeView.Uid, "/home/builder", "/home/builder/.local/share/buildkit", "/opt/buildkit");

    [Fact]
    public void AMachineThatServes_HasNoTrap()
        => Assert.All(new RootlessPrechecks(_view, _subject).Run(), check => Assert.True(check is { State: CheckState.Ok, Remedy: null, Package: null, RootCommands.Count: 0 }, check.ToString()));

    [Fact]
    public void EveryTrapIsLookedAtOnce()
        => Assert.Equal(Enum.GetValues<RootlessPrerequisite>().Order(), new RootlessPrechecks(_view, _subject).Run().Select(check => check.Prerequisite).Order());

    [Fact]
    public void MaxUserNamespaces_Zero()
    {
        _view.Texts["/proc/sys/user/max_user_namespaces"] = "0\n";
        RootlessPrecheck check = Failed(RootlessPrerequisite.UserNamespaces);
        Assert.Equal("user.max_user_namespaces is 0: user namespaces are disabled", check.Evidence);
        Assert.StartsWith("sudo sysctl -w user.max_user_namespaces=28633", check.Remedy, StringComparison.Ordinal);
        Assert.False(check.ByInstaller);
        Assert.Equal("sysctl -q -w user.max_user_namespaces=28633", check.RootCommands[^1]);
    }

    [Fact]
    public void AKernelWithoutUserNamespaces()
    {
        _view.Texts.Remove("/proc/sys/user/max_user_namespaces");
        Assert.Empty(Failed(RootlessPrerequisite.UserNamespaces).RootCommands);
    }

    [Theory]
    [InlineData("0\n", CheckState.Failed)]
    [InlineData("1\n", CheckState.Ok)]
    public void UnprivilegedClone(string text, CheckState expected)
    {
        _view.Texts["/proc/sys/kernel/unprivileged_userns_clone"] = text;
        Assert.Equal(expected, Of(RootlessPrerequisite.UnprivilegedClone).State);
    }

    [Fact]
    public void AppArmor_WantsAProfileForTheRealPath()
    {
        _view.Texts["/proc/sys/kernel/apparmor_restrict_unprivileged_userns"] = "1\n";
        _view.Links["/usr/bin/rootlesskit"] = "/opt/kit/rootlesskit";
        RootlessPrecheck check = Failed(RootlessPrerequisite.AppArmor);
        Assert.Contains("no profile allows /opt/kit/rootlesskit", check.Evidence, StringComparison.Ordinal);
        Assert.Contains("sysctl does not need to change", check.Remedy, StringComparison.Ordinal);
        Assert.True(check.ByInstaller);
        Assert.StartsWith("cat > /etc/apparmor.d/opencloud.build.opt.kit.rootlesskit <<'EOF'\n", check.RootCommands[0], StringComparison.Ordinal);
        Assert.EndsWith("\nEOF", check.RootCommands[0], StringComparison.Ordinal);
        Assert.Equal("apparmor_parser -r /etc/apparmor.d/opencloud.build.opt.kit.rootlesskit", check.RootCommands[1]);

        // One for the path by which it is called, where that is a link, is not enough: the kernel does not see links.
        _view.Texts["/etc/apparmor.d/rootlesskit"] = "profile rootlesskit /usr/bin/rootlesskit flags=(unconfined) {\n  userns,\n}\n";
        Failed(RootlessPrerequisite.AppArmor);
        AppArmorProfile profile = AppArmorProfile.For("/opt/kit/rootlesskit");
        _view.Texts[profile.Path] = profile.Text;
        Assert.Equal(CheckState.Ok, Of(RootlessPrerequisite.AppArmor).State);
    }

    [Theory]
    [InlineData("abi <abi/4.0>,\nprofile rootlesskit /usr/bin/rootlesskit flags=(unconfined) {\n  userns,\n}\n", "rootlesskit")]
    [InlineData("profile \"/usr/bin/rootlesskit\" {\n  userns create,\n}\n", "/usr/bin/rootlesskit")]
    [InlineData("/usr/bin/rootlesskit flags=(unconfined) {\n  userns,\n}\n", "/usr/bin/rootlesskit")]
    [InlineData("profile rootlesskit /usr/bin/rootlesskit {\n  capability,\n}\nprofile other /usr/bin/other {\n  userns,\n}\n", null)]
    [InlineData("profile rootlesskit /usr/bin/rootlesskit-docker-proxy {\n  userns,\n}\n", null)]
    [InlineData("# profile rootlesskit /usr/bin/rootlesskit {\n#  userns,\n# }\n", null)]
    public void AppArmorProfiles_AreRead(string text, string? name) => Assert.Equal(name, AppArmorProfile.NameOf(text, "/usr/bin/rootlesskit"));

    [Fact]
    public void AppArmorProfile_ThatTheKernelHasNot_IsToBeLoaded()
    {
        const string File = "/etc/apparmor.d/rootlesskit";
        _view.Texts["/proc/sys/kernel/apparmor_restrict_unprivileged_userns"] = "1\n";
        _view.Texts[File] = "profile rootlesskit /usr/bin/rootlesskit flags=(unconfined) {\n  userns,\n}\n";

        // Who is not root cannot see what is loaded.
        Assert.Equal(CheckState.Ok, Of(RootlessPrerequisite.AppArmor).State);
        _view.Texts["/sys/kernel/security/apparmor/profiles"] = "rootlesskit-other (unconfined)\nslirp4netns (unconfined)\n";
        RootlessPrecheck check = Failed(RootlessPrerequisite.AppArmor);
        Assert.Contains("is not loaded", check.Evidence, StringComparison.Ordinal);
        Assert.Equal(($"apparmor_parser -r {File}", true), (Assert.Single(check.RootCommands), check.ByInstaller));
        _view.Texts["/sys/kernel/security/apparmor/profiles"] = "rootlesskit (unconfined)\n";
        Assert.Equal(CheckState.Ok, Of(RootlessPrerequisite.AppArmor).State);

        // One that was turned off (aa-disable(8)) does not come back by itself.
        _view.Inodes["/etc/apparmor.d/disable/rootlesskit"] = FakeView.Inode(InodeType.Regular, 0x1a4);
        Assert.Contains("no profile allows", Failed(RootlessPrerequisite.AppArmor).Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void AppArmorProfile_ByteByByte()
    {
        string text = AppArmorProfile.For("/usr/bin/rootlesskit").Text;
        Assert.Equal(
            """
            abi <abi/4.0>,
            include <tunables/global>

            profile opencloud.build.usr.bin.rootlesskit "/usr/bin/rootlesskit" flags=(unconfined) {
              userns,

              include if exists <local/opencloud.build.usr.bin.rootlesskit>
            }

            """,
            text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
    }

    [Theory]
    [InlineData(RootlessPrerequisite.RootlessKit, "rootlesskit", "rootlesskit")]
    [InlineData(RootlessPrerequisite.NewUidMap, "newuidmap", "uidmap")]
    [InlineData(RootlessPrerequisite.NewGidMap, "newgidmap", "uidmap")]
    [InlineData(RootlessPrerequisite.Ip, "ip", "iproute2")]
    [InlineData(RootlessPrerequisite.Network, "slirp4netns", "slirp4netns")]
    internal void AProgramThatIsMissing_IsAPackage(RootlessPrerequisite prerequisite, string program, string package)
    {
        _view.Programs.Remove(program);
        RootlessPrecheck check = Failed(prerequisite);
        Assert.Equal(package, check.Package);
        Assert.True(check.ByInstaller);
        Assert.Equal($"sudo apt-get install --no-install-recommends {package}", check.Remedy);
    }

    [Fact]
    public void Pasta_WillDo_WhereItAndRootlessKitGetAlong()
    {
        _view.Programs.Remove("slirp4netns");
        _view.Programs["pasta"] = "/usr/bin/pasta";
        _view.Content["/usr/bin/pasta"] = "--no-copy-routes --no-copy-addrs";
        _view.Content["/usr/bin/rootlesskit"] = "slirp4netns-binary pasta-binary";
        Assert.Equal((CheckState.Ok, "/usr/bin/pasta"), (Of(RootlessPrerequisite.Network).State, Of(RootlessPrerequisite.Network).Evidence));
        Assert.Equal("pasta", RootlessNetwork.Choose(_view, "/usr/bin/rootlesskit", bringsRootlessKit: false).Driver);

        // Of an archive it is known once it is unpacked; of a package by its version.
        _view.Content["/usr/bin/rootlesskit"] = "slirp4netns-binary";
        NotUsed("/usr/bin/rootlesskit does not support it");
        Assert.Equal("pasta", RootlessNetwork.Choose(_view, null, bringsRootlessKit: true).Driver);
        _view.Inodes.Remove("/usr/bin/rootlesskit");
        _view.Candidates["rootlesskit"] = "1.1.0-1+b4";
        NotUsed("rootlesskit 1.1.0-1+b4, which will be installed, does not support it");
        _view.Candidates["rootlesskit"] = "1:2.0.2-2+b9";
        Assert.Equal(CheckState.Ok, Of(RootlessPrerequisite.Network).State);
        _view.Texts["/proc/sys/kernel/apparmor_restrict_unprivileged_userns"] = "1\n";
        NotUsed("AppArmor restricts user namespaces");
        _view.Texts.Remove("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
        _view.Content["/usr/bin/pasta"] = "--no-netns-quit";
        NotUsed("older than 2023_06_25");

        void NotUsed(string why)
        {
            RootlessPrecheck check = Failed(RootlessPrerequisite.Network);
            Assert.Contains("/usr/bin/pasta is not used: ", check.Evidence, StringComparison.Ordinal);
            Assert.Contains(why, check.Evidence, StringComparison.Ordinal);
            Assert.Equal(("slirp4netns", true, "sudo apt-get install --no-install-recommends slirp4netns"), (check.Package, check.ByInstaller, check.Remedy));
        }
    }

    [Fact]
    public void RootlessKit_FromAnArchive_NeedsNoPackage()
    {
        _view.Programs.Remove("rootlesskit");
        _subject = _subject with { BringsRootlessKit = true };
        Assert.Equal(CheckState.Ok, Of(RootlessPrerequisite.RootlessKit).State);
    }

    [Fact]
    public void NewUidMap_WithoutItsBit()
    {
        _view.Inodes["/usr/bin/newuidmap"] = FakeView.Inode(InodeType.Regular, 0x1ed);
        RootlessPrecheck check = Failed(RootlessPrerequisite.NewUidMap);
        Assert.Contains("neither set-uid root nor", check.Evidence, StringComparison.Ordinal);
        Assert.False(check.ByInstaller);
        Assert.Equal(["chown root:root /usr/bin/newuidmap", "chmod u+s /usr/bin/newuidmap"], check.RootCommands);
        Assert.Equal(CheckState.Ok, Of(RootlessPrerequisite.NewGidMap).State);
    }

    [Fact]
    public void NewUidMap_SetUidSomebodyElse()
    {
        _view.Inodes["/usr/bin/newuidmap"] = FakeView.Inode(InodeType.Regular, 0x9ed, uid: 1000);
        Failed(RootlessPrerequisite.NewUidMap);
    }

    [Theory]
    // cap_setuid=ep (bit 7) and cap_setgid=ep (bit 6), version 2; the flag without the bit; the bit without the flag.
    [InlineData("0100000280000000000000000000000000000000", CheckState.Ok, CheckState.Failed)]
    [InlineData("0100000240000000000000000000000000000000", CheckState.Failed, CheckState.Ok)]
    [InlineData("0100000200000000000000000000000000000000", CheckState.Failed, CheckState.Failed)]
    [InlineData("00000002c0000000000000000000000000000000", CheckState.Failed, CheckState.Failed)]
    [InlineData("010000", CheckState.Failed, CheckState.Failed)]
    public void FileCapabilities_DoInPlaceOfTheBit(string attribute, CheckState uid, CheckState gid)
    {
        foreach (string path in (string[])["/usr/bin/newuidmap", "/usr/bin/newgidmap"])
        {
            _view.Inodes[path] = FakeView.Inode(InodeType.Regular, 0x1ed);
            _view.Capabilities[path] = Convert.FromHexString(attribute);
        }

        Assert.Equal((uid, gid), (Of(RootlessPrerequisite.NewUidMap).State, Of(RootlessPrerequisite.NewGidMap).State));
    }

    [Fact]
    public void NewUidMap_OnAMountThatGivesNoRights()
    {
        Mount("25 22 8:3 / /usr rw,nosuid,relatime - ext4 /dev/sda3 rw");
        Assert.Contains("mounted nosuid", Failed(RootlessPrerequisite.NewUidMap).Evidence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "builder has none in /etc/subuid")]
    [InlineData("builder:100000:65535\n", "builder has 65535 in /etc/subuid; 65536 are required")]
    [InlineData("builder:100000\nbuilder:x:65536\n", "builder has none in /etc/subuid")]
    public void SubordinateIds_Missing(string subuid, string evidence)
    {
        _view.Texts["/etc/subuid"] = subuid;
        RootlessPrecheck check = Failed(RootlessPrerequisite.SubordinateUids);
        Assert.Equal(evidence, check.Evidence);
        Assert.True(check.ByInstaller);
        Assert.StartsWith("sudo usermod --add-subuids 165536-231071 builder", check.Remedy, StringComparison.Ordinal);
        Assert.Equal(CheckState.Ok, Of(RootlessPrerequisite.SubordinateGids).State);
    }

    [Fact]
    public void SubordinateIds_UnderTheNumber_AndInPieces()
    {
        _view.Texts["/etc/subuid"] = "1001:100000:32768\nbuilder:200000:32768\n";
        Assert.Equal("100000-132767, 200000-232767 in /etc/subuid", Of(RootlessPrerequisite.SubordinateUids).Evidence);
    }

    [Theory]
    [InlineData("builder:100000:65536\nother:165535:65536\n", "other has 165535-231070 of /etc/subuid")]
    [InlineData("other:100000:1\nbuilder:100000:65536\n", "other has 100000-100000 of /etc/subuid")]
    public void SubordinateIds_ThatOverlap(string subuid, string evidence)
    {
        _view.Texts["/etc/subuid"] = subuid;
        RootlessPrecheck check = Failed(RootlessPrerequisite.SubordinateUids);
        Assert.Contains(evidence, check.Evidence, StringComparison.Ordinal);
        Assert.Contains("both would own the same files", check.Evidence, StringComparison.Ordinal);
        Assert.False(check.ByInstaller);
        Assert.Equal("usermod --del-subuids 100000-165535 builder", check.RootCommands[0]);
    }

    [Fact]
    public void SubordinateIds_ThatAreAnAccountsOwn()
    {
        _view.Texts["/etc/passwd"] += "directory-user:x:120000:120000::/home/d:/bin/sh\n";
        Assert.Contains("the id of 'directory-user' in /etc/passwd is in the range", Failed(RootlessPrerequisite.SubordinateUids).Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void SubordinateIds_NextToEachOther_AreFine()
    {
        _view.Texts["/etc/subuid"] = "other:34464:65536\nbuilder:100000:65536\nthird:165536:65536\n";
        Assert.Equal(CheckState.Ok, Of(RootlessPrerequisite.SubordinateUids).State);
    }

    [Fact]
    public void Tun_Absent_OrClosed()
    {
        _view.Inodes["/dev/net/tun"] = FakeView.Inode(InodeType.Other, 0x180);
        Assert.Equal("/dev/net/tun is rw-------: builder has no access", Failed(RootlessPrerequisite.Tun).Evidence);
        _subject = _subject with { Uid = null };
        Failed(RootlessPrerequisite.Tun);
        _view.Inodes.Remove("/dev/net/tun");
        Assert.Equal("/dev/net/tun does not exist", Failed(RootlessPrerequisite.Tun).Evidence);
    }

    [Fact]
    public void HostsFile_Absent()
    {
        _view.Inodes.Remove("/etc/hosts");
        Failed(RootlessPrerequisite.HostsFile);
    }

    [Fact]
    public void SessionBus_Absent_StopsNothing()
    {
        _view.Inodes.Remove("/usr/lib/systemd/user/dbus.socket");
        RootlessPrecheck check = Of(RootlessPrerequisite.SessionBus);
        Assert.Equal((CheckState.Warning, "dbus-user-session"), (check.State, check.Package));
    }

    [Theory]
    [InlineData("5.10.0-28-amd64\n", "Linux version 5.10.0-28-amd64 (debian)", CheckState.Warning, "fuse-overlayfs")]
    [InlineData("5.4.0-100-generic\n", "Linux version 5.4.0-100-generic (buildd@lcy02) (Ubuntu 5.4.0-100)", CheckState.Ok, null)]
    [InlineData("5.11.0\n", "Linux version 5.11.0", CheckState.Ok, null)]
    [InlineData("6.18.44-fc\n", "Linux version 6.18.44-fc", CheckState.Ok, null)]
    public void FuseOverlayFs_OnlyWhereTheKernelNeedsIt(string release, string version, CheckState state, string? package)
    {
        _view.Texts["/proc/sys/kernel/osrelease"] = release;
        _view.Texts["/proc/version"] = version;
        RootlessPrecheck check = Of(RootlessPrerequisite.Overlay);
        Assert.Equal((state, package), (check.State, check.Package));
    }

    [Fact]
    public void FuseOverlayFs_NeedsItsDevice()
    {
        _view.Texts["/proc/sys/kernel/osrelease"] = "5.10.0-28-amd64\n";
        _view.Programs["fuse-overlayfs"] = "/usr/bin/fuse-overlayfs";
        Assert.Equal(CheckState.Ok, Of(RootlessPrerequisite.Overlay).State);
        _view.Inodes["/dev/fuse"] = FakeView.Inode(InodeType.Other, 0x180);
        Assert.Equal(CheckState.Warning, Of(RootlessPrerequisite.Overlay).State);
    }

    [Fact]
    public void Overlay_OnAnOverlay()
    {
        Mount("25 24 0:40 / /home/builder rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w");
        Assert.Contains("does not support another overlay", Of(RootlessPrerequisite.Overlay).Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void Cgroup_V1()
    {
        _view.Texts.Remove("/sys/fs/cgroup/cgroup.controllers");
        Assert.Equal(CheckState.Warning, Of(RootlessPrerequisite.Cgroup).State);
    }

    [Theory]
    [InlineData("memory pids\n", "not delegated to the user: cpu;")]
    [InlineData("\n", "not delegated to the user: cpu memory pids;")]
    public void Cgroup_NotDelegated(string controllers, string evidence)
    {
        _view.Texts["/sys/fs/cgroup/user.slice/user-1001.slice/user@1001.service/cgroup.controllers"] = controllers;
        RootlessPrecheck check = Of(RootlessPrerequisite.Cgroup);
        Assert.Equal(CheckState.Warning, check.State);
        Assert.StartsWith(evidence, check.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void Cgroup_OfAUserThatIsYetToBeMade()
    {
        _subject = _subject with { Uid = null };
        Assert.Equal(CheckState.Unknown, Of(RootlessPrerequisite.Cgroup).State);
    }

    [Theory]
    [InlineData("rw,hidepid=2", CheckState.Warning)]
    [InlineData("rw,hidepid=invisible", CheckState.Warning)]
    [InlineData("rw,gid=4,hidepid=1", CheckState.Warning)]
    [InlineData("rw,hidepid=0", CheckState.Ok)]
    [InlineData("rw,hidepid=off", CheckState.Ok)]
    public void HidePid(string options, CheckState state)
    {
        Mount($"26 22 0:21 / /proc rw,nosuid,nodev,noexec,relatime - proc proc {options}");
        Assert.Equal(state, Of(RootlessPrerequisite.HidePid).State);
    }

    [Theory]
    [InlineData("25 22 8:2 / /home rw,noexec,relatime - ext4 /dev/sda2 rw", "/home/builder is on /home, which is mounted noexec: programs of a build cannot run there")]
    [InlineData("25 22 0:50 / /home/builder rw,relatime - nfs4 server:/home rw,vers=4.2", "/home/builder is on /home/builder, a network file system (nfs4): files of subordinate ids cannot be created there")]
    [InlineData("25 22 0:50 / /home/builder/.local rw,relatime - nfs server:/x rw", "/home/builder/.local/share/buildkit is on /home/builder/.local, a network file system (nfs): files of subordinate ids cannot be created there")]
    [InlineData("25 22 8:9 / /opt rw,noexec - ext4 /dev/sdb rw", "/opt/buildkit is on /opt, which is mounted noexec: programs of a build cannot run there")]
    public void Home_ThatCannotHoldAnEngine(string mount, string evidence)
    {
        Mount(mount);
        RootlessPrecheck check = Failed(RootlessPrerequisite.Home);
        Assert.Equal(evidence, check.Evidence);
        Assert.Empty(check.RootCommands);
    }

    [Fact]
    public void Home_ThroughALink()
    {
        Mount("25 22 0:50 / /net/home rw,relatime - nfs4 server:/home rw");
        _view.Links["/home/builder"] = "/net/home/builder";
        Failed(RootlessPrerequisite.Home);
    }

    private void Mount(string line) => _view.Texts["/proc/self/mountinfo"] += line + "\n";

    private RootlessPrecheck Of(RootlessPrerequisite prerequisite) => Assert.Single(new RootlessPrechecks(_view, _subject).Run(), check => check.Prerequisite == prerequisite);

    private RootlessPrecheck Failed(RootlessPrerequisite prerequisite)
    {
        RootlessPrecheck check = Of(prerequisite);
        Assert.Equal(CheckState.Failed, check.State);
        Assert.NotNull(check.Remedy);
        return check;
    }
}
