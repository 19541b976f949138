using System.Buffers.Binary;
using System.Globalization;
using OpenCloud.Build.Host.Accounts;

namespace OpenCloud.Build.Host.Prechecks;

/// <summary>
/// Checks everything in kernel, distribution and account that can keep a rootless engine from running or building, before
/// anything is changed, each with a remedy. The installer and Test-BuildKitSocket -Detailed return the same list.
/// Facts: moby/buildkit docs/rootless.md; rootless-containers/rootlesskit README.md and pkg/network; user_namespaces(7);
/// capabilities(7) for the form of file capabilities; each tried on Debian 12 and 13.
/// </summary>
internal sealed class RootlessPrechecks(IHostView view, PrecheckSubject subject)
{
    private const string MaxUserNamespaces = "/proc/sys/user/max_user_namespaces";
    private const string UnprivilegedClone = "/proc/sys/kernel/unprivileged_userns_clone";
    private const string AppArmorRestriction = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    private const string Sysctls = "/etc/sysctl.d/90-opencloud.build-rootless.conf";

    private const int CapSetGid = 6;
    private const int CapSetUid = 7;

    // Their servers do not know this machine's subordinate ids, and overlayfs accepts none of them as an upper layer.
    private static readonly string[] NetworkTypes = ["nfs", "nfs4", "cifs", "smb3", "afs", "fuse.sshfs", "9p", "lustre", "ceph"];

    private readonly MountTable _mounts = MountTable.Parse(view.ReadText("/proc/self/mountinfo"));

    public IReadOnlyList<RootlessPrecheck> Run() =>
    [
        UserNamespaces(),
        Clone(),
        RootlessKit(),
        AppArmor(),
        Mapper(RootlessPrerequisite.NewUidMap, "newuidmap", CapSetUid),
        Mapper(RootlessPrerequisite.NewGidMap, "newgidmap", CapSetGid),
        Subordinate(RootlessPrerequisite.SubordinateUids, "/etc/subuid", "/etc/passwd", "uids"),
        Subordinate(RootlessPrerequisite.SubordinateGids, "/etc/subgid", "/etc/group", "gids"),
        Ip(),
        Network(),
        Tun(),
        HostsFile(),
        SessionBus(),
        Overlay(),
        Cgroup(),
        HidePid(),
        Home(),
    ];

    /// <summary>The current or future path of rootlesskit with all links resolved, as an AppArmor profile must name it.</summary>
    public string RootlessKitPath()
    {
        string path = subject.BringsRootlessKit ? $"{subject.Prefix}/bin/rootlesskit" : subject.RootlessKit ?? view.Find("rootlesskit") ?? "/usr/bin/rootlesskit";
        return view.RealPath(path);
    }

    /// <summary>The first of 65,536 free subordinate ids; null when there is no room.</summary>
    public static long? FreeIds(IHostView view) => SubordinateIds.FindFree(
        SubordinateIds.Parse(view.ReadText("/etc/subuid")).Concat(SubordinateIds.Parse(view.ReadText("/etc/subgid"))),
        [view.ReadText("/etc/passwd"), view.ReadText("/etc/group")],
        view.ReadText("/etc/login.defs"));

    private static RootlessPrecheck Ok(RootlessPrerequisite prerequisite, string evidence) => new(prerequisite, CheckState.Ok, evidence);

    private RootlessPrecheck UserNamespaces()
    {
        string? text = view.ReadText(MaxUserNamespaces)?.Trim();
        return text switch
        {
            null => new(RootlessPrerequisite.UserNamespaces, CheckState.Failed, $"{MaxUserNamespaces} does not exist: this kernel does not support user namespaces", "Boot a kernel built with CONFIG_USER_NS"),
            "0" => new(RootlessPrerequisite.UserNamespaces, CheckState.Failed, "user.max_user_namespaces is 0: user namespaces are disabled", "sudo sysctl -w user.max_user_namespaces=28633, and the same in " + Sysctls)
            {
                RootCommands = [$"printf 'user.max_user_namespaces=28633\\n' >> {Sysctls}", "sysctl -q -w user.max_user_namespaces=28633"],
            },
            _ => Ok(RootlessPrerequisite.UserNamespaces, $"user.max_user_namespaces is {text}"),
        };
    }

    private RootlessPrecheck Clone()
        => view.ReadText(UnprivilegedClone)?.Trim() == "0"
            ? new(RootlessPrerequisite.UnprivilegedClone, CheckState.Failed, "kernel.unprivileged_userns_clone is 0: only root can create a user namespace", "sudo sysctl -w kernel.unprivileged_userns_clone=1, and the same in " + Sysctls)
            {
                RootCommands = [$"printf 'kernel.unprivileged_userns_clone=1\\n' >> {Sysctls}", "sysctl -q -w kernel.unprivileged_userns_clone=1"],
            }
            : Ok(RootlessPrerequisite.UnprivilegedClone, "kernel.unprivileged_userns_clone allows them");

    private RootlessPrecheck RootlessKit()
    {
        string? path = subject.RootlessKit ?? view.Find("rootlesskit");
        return subject.BringsRootlessKit ? Ok(RootlessPrerequisite.RootlessKit, $"it is installed with BuildKit, to {subject.Prefix}/bin")
            : path is not null && view.Look(path) is { Type: InodeType.Regular } ? Ok(RootlessPrerequisite.RootlessKit, path)
            : Absent(RootlessPrerequisite.RootlessKit, "rootlesskit is not in the system PATH", "rootlesskit");
    }

    private RootlessPrecheck AppArmor()
    {
        if (view.ReadText(AppArmorRestriction)?.Trim() != "1")
        {
            return Ok(RootlessPrerequisite.AppArmor, "it does not restrict user namespaces");
        }

        string path = RootlessKitPath();
        switch (AppArmorProfile.Find(view, path))
        {
            case { IsLoaded: false } asleep:
                return new(
                    RootlessPrerequisite.AppArmor,
                    CheckState.Failed,
                    $"kernel.apparmor_restrict_unprivileged_userns is 1; {asleep.File} would allow {path} to create a user namespace, but is not loaded",
                    $"sudo apparmor_parser -r {asleep.File} (Install-BuildKit -Rootless does it as root)")
                {
                    ByInstaller = true,
                    RootCommands = [$"apparmor_parser -r {asleep.File}"],
                };
            case { } loaded:
                return Ok(RootlessPrerequisite.AppArmor, $"it restricts user namespaces; {loaded.File} allows {path} to create them");
        }

        AppArmorProfile profile = AppArmorProfile.For(path);
        return new(
            RootlessPrerequisite.AppArmor,
            CheckState.Failed,
            $"kernel.apparmor_restrict_unprivileged_userns is 1, and no profile allows {path} to create a user namespace",
            $"Write {profile.Path} with a profile for {path} (Install-BuildKit -Rootless does it as root) and load it: sudo apparmor_parser -r {profile.Path}. The sysctl does not need to change")
        {
            ByInstaller = true,
            RootCommands = [$"cat > {profile.Path} <<'EOF'\n{profile.Text}EOF", $"apparmor_parser -r {profile.Path}"],
        };
    }

    private RootlessPrecheck Mapper(RootlessPrerequisite prerequisite, string program, int capability)
    {
        if (view.Find(program) is not { } path)
        {
            return Absent(prerequisite, $"{program} is not in the system PATH", "uidmap");
        }

        string real = view.RealPath(path);
        if (_mounts.Of(real) is { } mount && mount.Has("nosuid"))
        {
            return new(prerequisite, CheckState.Failed, $"{real} is on {mount.Point}, which is mounted nosuid: set-uid programs do not work there", $"sudo mount -o remount,suid {mount.Point}, and the same in /etc/fstab");
        }

        if (view.Look(real) is { Uid: 0 } status && (status.Mode & 0x800) != 0)
        {
            return Ok(prerequisite, $"{real}, set-uid root");
        }

        return HasCapability(view.FileCapabilities(real), capability)
            ? Ok(prerequisite, $"{real}, with the required capability")
            : new(prerequisite, CheckState.Failed, $"{real} is neither set-uid root nor has the required capability", $"sudo chown root:root {real} && sudo chmod u+s {real} (or: sudo apt-get install --reinstall uidmap)")
            {
                RootCommands = [$"chown root:root {real}", $"chmod u+s {real}"],
            };
    }

    // struct vfs_cap_data of linux/capability.h: magic and flags, then permitted and inheritable in two halves, little-endian.
    private static bool HasCapability(byte[]? value, int capability)
        => value is { Length: >= 12 } &&
            (BinaryPrimitives.ReadUInt32LittleEndian(value) & 1) != 0 &&
            (BinaryPrimitives.ReadUInt32LittleEndian(value.AsSpan(4)) & (1u << capability)) != 0;

    private RootlessPrecheck Subordinate(RootlessPrerequisite prerequisite, string path, string accounts, string what)
    {
        IReadOnlyList<SubordinateRange> all = SubordinateIds.Parse(view.ReadText(path));
        IReadOnlyList<SubordinateRange> own = SubordinateIds.Of(all, subject.Name, subject.Uid);
        long? free = FreeIds(view);
        string option = what == "uids" ? "subuids" : "subgids";
        string? add = free is null ? null : string.Create(CultureInfo.InvariantCulture, $"usermod --add-{option} {free}-{free + SubordinateIds.Needed - 1} {subject.Name}");
        if (SubordinateIds.Overlap(all, subject.Name, subject.Uid) is { } clash)
        {
            return Shared(clash.Own, $"{clash.Other.Owner} has {clash.Other} of {path}");
        }

        if (SubordinateIds.Covers(own, view.ReadText(accounts)) is { } covered)
        {
            return Shared(covered.Own, $"the id of '{covered.Account}' in {accounts} is in the range");
        }

        long count = own.Sum(range => range.Count);
        if (count >= SubordinateIds.Needed)
        {
            return Ok(prerequisite, $"{string.Join(", ", own)} in {path}");
        }

        string seen = count == 0 ? $"{subject.Name} has none in {path}" : string.Create(CultureInfo.InvariantCulture, $"{subject.Name} has {count} in {path}; {SubordinateIds.Needed} are required");
        return add is null
            ? new(prerequisite, CheckState.Failed, seen + ", and there are no free ids", $"Remove unused ranges in {path}, or increase SUB_UID_MAX and SUB_GID_MAX in /etc/login.defs")
            : new(prerequisite, CheckState.Failed, seen, "sudo " + add) { ByInstaller = true, RootCommands = [add] };

        RootlessPrecheck Shared(SubordinateRange range, string with)
        {
            string delete = $"usermod --del-{option} {range} {subject.Name}";
            return new(prerequisite, CheckState.Failed, $"{subject.Name} has {range} of {path}, but {with}: both would own the same files", add is null ? "sudo " + delete : $"sudo {delete} && sudo {add}; existing files of the engine keep the old ids")
            {
                RootCommands = add is null ? [delete] : [delete, add],
            };
        }
    }

    private RootlessPrecheck Ip()
        => view.Find("ip") is { } ip
            ? Ok(RootlessPrerequisite.Ip, ip)
            : Absent(RootlessPrerequisite.Ip, "rootlesskit sets up the network with 'ip', which is not in the system PATH", "iproute2");

    private RootlessPrecheck Network()
    {
        string? path = subject.RootlessKit ?? view.Find("rootlesskit");
        RootlessNetwork network = RootlessNetwork.Choose(view, path is not null && view.Look(path) is not null ? path : null, subject.BringsRootlessKit);
        return network.Program is not null
            ? Ok(RootlessPrerequisite.Network, network.Evidence)
            : Absent(RootlessPrerequisite.Network, network.Evidence, RootlessNetwork.Slirp);
    }

    private RootlessPrecheck Tun()
    {
        FileStatus? status = view.Look("/dev/net/tun");
        if (status is null)
        {
            return new(RootlessPrerequisite.Tun, CheckState.Failed, "/dev/net/tun does not exist", "sudo modprobe tun, and 'tun' in /etc/modules-load.d")
            {
                RootCommands = ["printf 'tun\\n' > /etc/modules-load.d/opencloud.build-tun.conf", "modprobe tun"],
            };
        }

        // A user that is not created yet has no uid.
        uint uid = subject.Uid ?? Identity.Nobody;
        return status.Allows(new Identity(uid, uid, []), 6)
            ? Ok(RootlessPrerequisite.Tun, $"/dev/net/tun is {status.ModeText()}")
            : new(RootlessPrerequisite.Tun, CheckState.Failed, $"/dev/net/tun is {status.ModeText()}: {subject.Name} has no access", "sudo chmod 666 /dev/net/tun, and a udev rule that keeps it so: KERNEL==\"tun\", MODE=\"0666\"")
            {
                RootCommands = ["printf 'KERNEL==\"tun\", MODE=\"0666\"\\n' > /etc/udev/rules.d/90-opencloud.build-tun.rules", "chmod 666 /dev/net/tun"],
            };
    }

    private RootlessPrecheck HostsFile()
        // rootlesskit replaces it with its own file, and stops when there is none to replace.
        => view.Look("/etc/hosts") is not null
            ? Ok(RootlessPrerequisite.HostsFile, "/etc/hosts exists")
            : new(RootlessPrerequisite.HostsFile, CheckState.Failed, "/etc/hosts does not exist: rootlesskit does not start without it", "printf '127.0.0.1 localhost\\n' | sudo tee /etc/hosts")
            {
                RootCommands = ["printf '127.0.0.1 localhost\\n' > /etc/hosts"],
            };

    private RootlessPrecheck SessionBus()
        => view.Look("/usr/lib/systemd/user/dbus.socket") is not null || view.Look("/lib/systemd/user/dbus.socket") is not null
            ? Ok(RootlessPrerequisite.SessionBus, "the user's service manager has a bus")
            : Absent(RootlessPrerequisite.SessionBus, "the user's service manager has no bus of its own (dbus.socket)", "dbus-user-session") with { State = CheckState.Warning };

    private RootlessPrecheck Overlay()
    {
        string release = view.ReadText("/proc/sys/kernel/osrelease")?.Trim() ?? string.Empty;
        string[] numbers = release.Split('.', '-');
        Version kernel = numbers.Length > 1 && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out int major) && int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out int minor)
            ? new Version(major, minor)
            : new Version(0, 0);
        bool able = kernel >= new Version(5, 11) || (view.ReadText("/proc/version") ?? string.Empty).Contains("Ubuntu", StringComparison.Ordinal);
        if (able)
        {
            return _mounts.Of(subject.State) is { Type: "overlay" } mount
                ? new(RootlessPrerequisite.Overlay, CheckState.Warning, $"{subject.State} is on {mount.Point}, which is an overlay itself and does not support another overlay: builds copy every layer", "Use -StateDirectory with a directory on a disk")
                : Ok(RootlessPrerequisite.Overlay, $"the kernel ({release}) mounts overlays without root");
        }

        if (view.Find("fuse-overlayfs") is null)
        {
            return Absent(RootlessPrerequisite.Overlay, $"the kernel ({release}) does not mount overlays without root (5.11 or later does), and fuse-overlayfs is not installed", "fuse-overlayfs") with { State = CheckState.Warning };
        }

        return view.Look("/dev/fuse") is { } fuse && (fuse.Mode & 6) == 6
            ? Ok(RootlessPrerequisite.Overlay, $"the kernel ({release}) does not mount overlays without root; fuse-overlayfs is used")
            : new(RootlessPrerequisite.Overlay, CheckState.Warning, $"the kernel ({release}) does not mount overlays without root, and {subject.Name} has no access to /dev/fuse: builds copy every layer", "sudo chmod 666 /dev/fuse") { RootCommands = ["chmod 666 /dev/fuse"] };
    }

    private RootlessPrecheck Cgroup()
    {
        if (view.ReadText("/sys/fs/cgroup/cgroup.controllers") is null)
        {
            return new(RootlessPrerequisite.Cgroup, CheckState.Warning, "this host does not use only cgroup v2: controllers cannot be delegated to a user, and the resources of builds are not limited", "Boot with systemd.unified_cgroup_hierarchy=1");
        }

        string? manager = subject.Uid is { } uid ? string.Create(CultureInfo.InvariantCulture, $"/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service/cgroup.controllers") : null;
        string[]? delegated = (manager is null ? null : view.ReadText(manager))?.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (delegated is null)
        {
            return new(RootlessPrerequisite.Cgroup, CheckState.Unknown, "cgroup v2; the delegated controllers are visible when the user's service manager is running");
        }

        string[] lacking = ((string[])["cpu", "memory", "pids"]).Except(delegated).ToArray();
        return lacking.Length == 0
            ? Ok(RootlessPrerequisite.Cgroup, $"delegated to the user: {string.Join(' ', delegated)}")
            : new(RootlessPrerequisite.Cgroup, CheckState.Warning, $"not delegated to the user: {string.Join(' ', lacking)}; builds run, but these resources are not limited", "sudo systemctl edit user@.service, with [Service] and Delegate=cpu cpuset io memory pids; then log in again")
            {
                RootCommands =
                [
                    "mkdir -p /etc/systemd/system/user@.service.d",
                    "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' > /etc/systemd/system/user@.service.d/50-opencloud.build-delegate.conf",
                    "systemctl daemon-reload",
                ],
            };
    }

    private RootlessPrecheck HidePid()
    {
        string? option = _mounts.Of("/proc") is { Type: "proc" } proc
            ? proc.Options.Concat(proc.SuperOptions).FirstOrDefault(value => value.StartsWith("hidepid=", StringComparison.Ordinal) && value is not ("hidepid=0" or "hidepid=off"))
            : null;
        return option is null
            ? Ok(RootlessPrerequisite.HidePid, "/proc shows every process")
            : new(RootlessPrerequisite.HidePid, CheckState.Warning, $"/proc is mounted with {option}: the engine runs, but logind and polkit misinterpret sessions, and a user cannot see which process listens on a socket", "sudo mount -o remount,hidepid=0 /proc, and the same in /etc/fstab");
    }

    private RootlessPrecheck Home()
    {
        List<string> places = new() { subject.Home, subject.State };
        if (subject.Prefix is not null)
        {
            places.Add(subject.Prefix);
        }

        foreach (string? place in places.Distinct())
        {
            if (_mounts.Of(view.RealPath(place)) is not { } mount)
            {
                continue;
            }

            if (NetworkTypes.Contains(mount.Type) && place != subject.Prefix)
            {
                return new(RootlessPrerequisite.Home, CheckState.Failed, $"{place} is on {mount.Point}, a network file system ({mount.Type}): files of subordinate ids cannot be created there", "Use -User with a user whose home is on a disk of this machine");
            }

            if (mount.Has("noexec"))
            {
                return new(RootlessPrerequisite.Home, CheckState.Failed, $"{place} is on {mount.Point}, which is mounted noexec: programs of a build cannot run there", $"sudo mount -o remount,exec {mount.Point}, and the same in /etc/fstab; or -User with a user whose home is elsewhere");
            }
        }

        return Ok(RootlessPrerequisite.Home, $"{subject.Home} is on a file system that serves");
    }

    private static RootlessPrecheck Absent(RootlessPrerequisite prerequisite, string evidence, string package) => new(prerequisite, CheckState.Failed, evidence, $"sudo apt-get install --no-install-recommends {package}")
    {
        Package = package,
        ByInstaller = true,
        RootCommands = [$"apt-get install -y --no-install-recommends {package}"],
    };
}
