using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

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
    /// <summary>Reads the status; null when there is no such path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="follow">Follows a link at the end of the path.</param>
    /// <exception cref="UnauthorizedAccessException">A directory on the way is closed to the caller.</exception>
    public static FileStatus? Read(string path, bool follow = false)
    {
        if (!LinuxCalls.TryStat(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), follow ? 0 : LinuxCalls.NoFollowLinks, out LinuxStat stat))
        {
            int error = LinuxCalls.LastError;
            return error is LinuxCalls.NoEntry or LinuxCalls.NotADirectory ? null : throw LinuxCalls.Failure("Cannot look at", path, error);
        }

        return Of(stat);
    }

    /// <summary>As the kernel has it.</summary>
    public static FileStatus Of(in LinuxStat stat) => new(
        stat.Type switch
        {
            UnixMode.Regular => InodeType.Regular,
            UnixMode.Directory => InodeType.Directory,
            UnixMode.Symlink => InodeType.Symlink,
            UnixMode.Socket => InodeType.Socket,
            _ => InodeType.Other,
        },
        stat.Mode & 0xfffu,
        stat.Uid,
        stat.Gid,
        stat.Device,
        stat.Inode);

    /// <summary>
    /// Gives what is at a path to an owner and a group, and sets its mode, by descriptor: no link is followed, and what is exchanged after it was
    /// looked at stays as it is.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <param name="uid">The owner.</param>
    /// <param name="gid">The group.</param>
    /// <param name="mode">The mode; null leaves it.</param>
    /// <param name="isExpected">Whether what was opened is what is meant; else it is left alone.</param>
    /// <returns>False when it was left alone.</returns>
    public static bool Give(string path, uint uid, uint gid, UnixFileMode? mode = null, Func<FileStatus, bool>? isExpected = null)
    {
        using SafeFileHandle parent = DirectoryWalk.OpenParent(path, out byte[] name);
        int descriptor = LinuxCalls.Open(DirectoryWalk.Number(parent), name, LinuxCalls.PathOnly | LinuxCalls.NoFollow);
        if (descriptor < 0)
        {
            throw LinuxCalls.Failure("Cannot open", path, LinuxCalls.LastError);
        }

        using SafeFileHandle file = new(descriptor, ownsHandle: true);
        FileStatus status = Of(DirectoryWalk.StatusOf(file, path));
        if (status.Type == InodeType.Symlink || isExpected?.Invoke(status) == false)
        {
            return false;
        }

        if (LinuxCalls.ChangeOwner(descriptor, "\0"u8, uid, gid, LinuxCalls.EmptyPath) != 0)
        {
            throw LinuxCalls.Failure($"Cannot give to {uid}:{gid}", path, LinuxCalls.LastError);
        }

        if (mode is { } bits)
        {
            // A descriptor that is only a place takes no fchmod; its name in /proc leads to the same inode, whatever the path leads to by now.
            File.SetUnixFileMode($"/proc/self/fd/{descriptor}", bits);
        }

        return true;
    }

    /// <summary>Whether somebody may do what the three bits say (4 read, 2 write, 1 enter or run) by the mode alone: no capabilities, no ACLs.</summary>
    public bool Allows(Identity who, uint bits)
    {
        int shift = who.Uid == Uid ? 6 : who.IsMember(Gid) ? 3 : 0;
        return ((Mode >> shift) & bits) == bits;
    }

    /// <summary>The mode as <c>ls -l</c> shows it, without the type.</summary>
    public string ModeText()
    {
        StringBuilder text = new(9);
        for (int shift = 6; shift >= 0; shift -= 3)
        {
            uint three = (Mode >> shift) & 7;
            bool special = shift switch { 6 => Mode & 0x800, 3 => Mode & 0x400, _ => Mode & 0x200 } != 0;
            text.Append((three & 4) != 0 ? 'r' : '-').Append((three & 2) != 0 ? 'w' : '-');
            char letter = shift == 0 ? 't' : 's';
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
}
