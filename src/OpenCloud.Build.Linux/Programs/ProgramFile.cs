using System.Runtime.InteropServices;
using System.Text;

namespace OpenCloud.Build.Linux.Programs;

/// <summary>What decides whether a file is a program, and whose: its type, mode and owner.</summary>
/// <param name="Mode">The mode with the type, as stat(2) has it.</param>
/// <param name="Uid">The owner.</param>
/// <param name="Gid">The group.</param>
internal readonly record struct ProgramFile(uint Mode, uint Uid, uint Gid)
{
    private const int AtFdCwd = -100;
    private const int AtSymlinkNofollow = 0x100;
    private const uint StatxBasicStats = 0x7ff;
    private const int ExecuteAccess = 1;

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => (Mode & 0xf000) == 0x4000;

    /// <summary>Whether it is a symbolic link.</summary>
    public bool IsLink => (Mode & 0xf000) == 0xa000;

    /// <summary>Whether it is a regular file.</summary>
    public bool IsRegular => (Mode & 0xf000) == 0x8000;

    /// <summary>Looks at a path; null when there is nothing, or nothing that the caller may look at.</summary>
    public static ProgramFile? Read(string path, bool follow = false)
        => statx(AtFdCwd, Bytes(path), follow ? 0 : AtSymlinkNofollow, StatxBasicStats, out StatxBuffer status) == 0
            ? new ProgramFile(status.Mode, status.Uid, status.Gid)
            : null;

    /// <summary>Whether a path leads to a regular file that the caller may execute.</summary>
    public static bool IsExecutable(string path)
        => !path.Contains('\0', StringComparison.Ordinal) && Read(path, follow: true) is { IsRegular: true } && access(Bytes(path), ExecuteAccess) == 0;

    /// <summary>The effective user of the calling thread; .NET asks once for the whole process.</summary>
    public static uint EffectiveUser() => geteuid();

    private static byte[] Bytes(string path) => Encoding.UTF8.GetBytes(path + '\0');

    [DllImport("libc", SetLastError = true)]
    private static extern int statx(int directory, byte[] path, int flags, uint mask, out StatxBuffer buffer);

    [DllImport("libc")]
    private static extern uint geteuid();

    [DllImport("libc", SetLastError = true)]
    private static extern int access(byte[] path, int mode);

    // struct statx of linux/stat.h; only the fields read here are named.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatxBuffer
    {
        [FieldOffset(20)]
        public uint Uid;

        [FieldOffset(24)]
        public uint Gid;

        [FieldOffset(28)]
        public ushort Mode;
    }
}
