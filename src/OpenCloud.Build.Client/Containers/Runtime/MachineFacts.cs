using System.Globalization;

namespace OpenCloud.Build.Client.Containers.Runtime;

/// <summary>A device of the machine.</summary>
internal sealed record MachineDevice(string Path, bool IsBlock, uint Major, uint Minor, uint Mode, uint Uid, uint Gid);

/// <summary>What a privileged container gets from the machine.</summary>
/// <param name="Capabilities">The capabilities that root has, by name.</param>
/// <param name="Devices">The devices.</param>
/// <param name="HasUnifiedGroups">Whether there is one hierarchy of control groups (version 2).</param>
internal sealed record MachineFacts(IReadOnlyList<string> Capabilities, IReadOnlyList<MachineDevice> Devices, bool HasUnifiedGroups)
{
    private const int MostDevices = 4096;
    private const int Deepest = 4;

    // linux/capability.h, by number.
    private static readonly string[] Names =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST",
        "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
        "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    ];

    // The container has its own of these; opencontainers/runc, libcontainer/devices: GetDevices leaves them out as well.
    private static readonly HashSet<string> Left = ["/dev/pts", "/dev/shm", "/dev/fd", "/dev/mqueue", "/dev/console"];

    /// <summary>Reads the facts of this machine.</summary>
    public static MachineFacts Read() => new(
        CapabilitiesOf(File.ReadLines("/proc/self/status").FirstOrDefault(static l => l.StartsWith("CapEff:", StringComparison.Ordinal)) ?? string.Empty),
        ReadDevices(),
        File.Exists("/sys/fs/cgroup/cgroup.controllers"));

    /// <summary>The names in a line of /proc/PID/status, for example <c>CapEff: 000001ffffffffff</c> (proc_pid_status(5)).</summary>
    internal static IReadOnlyList<string> CapabilitiesOf(string line) =>
        ulong.TryParse(line.AsSpan(line.IndexOf(':') + 1).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong bits)
            ? [.. Names.Where((_, number) => ((bits >> number) & 1) != 0).Select(static n => "CAP_" + n)]
            : [];

    private static List<MachineDevice> ReadDevices()
    {
        List<MachineDevice> devices = [];
        AddDevices("/dev", devices, 0);
        return devices;
    }

    private static void AddDevices(string folder, List<MachineDevice> devices, int depth)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(folder).Where(static p => !Left.Contains(p)).Order(StringComparer.Ordinal))
        {
            if (devices.Count == MostDevices || !LinuxCalls.TryStat(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), LinuxCalls.NoFollowLinks, out LinuxStat stat))
            {
                continue;
            }

            if (stat.Type == UnixMode.Directory && depth < Deepest)
            {
                AddDevices(path, devices, depth + 1);
            }
            else if (stat.Type is UnixMode.CharacterDevice or UnixMode.BlockDevice)
            {
                devices.Add(new MachineDevice(path, stat.Type == UnixMode.BlockDevice, stat.DeviceMajor, stat.DeviceMinor, stat.Mode & 0xfffu, stat.Uid, stat.Gid));
            }
        }
    }
}
