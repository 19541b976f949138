using System.Runtime.InteropServices;
using System.Text;

namespace OpenCloud.Build.Host.Posix;

/// <summary>What an inode is.</summary>
internal enum InodeType
{
    Other,
    Regular,
    Directory,
    Symlink,
    Socket,
}

/// <summary>Owner, group, mode and type of a path, links not followed: what .NET's own file classes do not tell.</summary>
/// <param name="Type">What it is.</param>
/// <param name="Mode">The permission bits, with set-uid, set-gid and sticky.</param>
/// <param name="Uid">The owner.</param>
/// <param name="Gid">The group.</param>
/// <param name="Device">The file system it is on.</param>
/// <param name="Inode">Its number there.</param>
internal sealed record FileStatus(InodeType Type, uint Mode, uint Uid, uint Gid, ulong Device, ulong Inode)
{
    private const int AtFdCwd = -100;
    private const int AtSymlinkNofollow = 0x100;
    private const uint StatxBasicStats = 0x7ff;

    /// <summary>Reads the status; null when there is no such path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="follow">Follows a link at the end of the path.</param>
    /// <exception cref="UnauthorizedAccessException">A directory on the way is closed to the caller.</exception>
    public static FileStatus? Read(string path, bool follow = false)
    {
        // statx, because its structure is the same on every processor (struct stat is not).
        if (statx(AtFdCwd, Encoding.UTF8.GetBytes(path + '\0'), follow ? 0 : AtSymlinkNofollow, StatxBasicStats, out var s) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            return error switch
            {
                2 or 20 => null,
                13 => throw new UnauthorizedAccessException($"'{path}' cannot be looked at: {Marshal.GetPInvokeErrorMessage(error)}"),
                _ => throw new IOException($"'{path}' cannot be looked at: {Marshal.GetPInvokeErrorMessage(error)}"),
            };
        }

        var type = (s.Mode & 0xf000) switch
        {
            0x8000 => InodeType.Regular,
            0x4000 => InodeType.Directory,
            0xa000 => InodeType.Symlink,
            0xc000 => InodeType.Socket,
            _ => InodeType.Other,
        };
        return new FileStatus(type, (uint)(s.Mode & 0xfff), s.Uid, s.Gid, ((ulong)s.DevMajor << 32) | s.DevMinor, s.Inode);
    }

    /// <summary>Gives a path to an owner and a group; links are not followed.</summary>
    public static void SetOwner(string path, uint uid, uint gid)
    {
        if (lchown(Encoding.UTF8.GetBytes(path + '\0'), uid, gid) != 0)
        {
            throw new IOException($"'{path}' cannot be given to {uid}:{gid}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>Whether somebody may do what the three bits say (4 read, 2 write, 1 enter or run) by the mode alone: no capabilities, no ACLs.</summary>
    public bool Allows(Identity who, uint bits)
    {
        var shift = who.Uid == Uid ? 6 : who.IsMember(Gid) ? 3 : 0;
        return ((Mode >> shift) & bits) == bits;
    }

    /// <summary>The mode as <c>ls -l</c> shows it, without the type.</summary>
    public string ModeText()
    {
        var text = new StringBuilder(9);
        for (var shift = 6; shift >= 0; shift -= 3)
        {
            var three = (Mode >> shift) & 7;
            var special = shift switch { 6 => Mode & 0x800, 3 => Mode & 0x400, _ => Mode & 0x200 } != 0;
            text.Append((three & 4) != 0 ? 'r' : '-').Append((three & 2) != 0 ? 'w' : '-');
            var letter = shift == 0 ? 't' : 's';
            text.Append((special, (three & 1) != 0) switch
            {
                (true, true) => letter,
                (true, false) => char.ToUpperInvariant(letter),
                (false, true) => 'x',
                _ => '-',
            });
        }

        return text.ToString();
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int statx(int directory, byte[] path, int flags, uint mask, out StatxBuffer buffer);

    [DllImport("libc", SetLastError = true)]
    private static extern int lchown(byte[] path, uint uid, uint gid);

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

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(136)]
        public uint DevMajor;

        [FieldOffset(140)]
        public uint DevMinor;
    }
}
