using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

internal enum InodeType
{
    Other,
    Regular,
    Directory,
    Symlink,
    Socket,
}

/// <summary>Owner, group, mode and type of a path, links not followed. .NET's file classes do not report owner and inode.</summary>
internal sealed record FileStatus(InodeType Type, uint Mode, uint Uid, uint Gid, ulong Device, ulong Inode)
{
    /// <exception cref="UnauthorizedAccessException">The caller may not pass through a directory on the path.</exception>
    public static FileStatus? Read(string path, bool follow = false)
    {
        if (!LinuxCalls.TryStat(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), follow ? 0 : LinuxCalls.NoFollowLinks, out LinuxStat stat))
        {
            int error = LinuxCalls.LastError;
            return error is LinuxCalls.NoEntry or LinuxCalls.NotADirectory ? null : throw LinuxCalls.Failure("Cannot inspect", path, error);
        }

        return Of(stat);
    }

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

    /// <summary>Changes owner, group and mode by descriptor: it follows no link, and leaves alone what replaces the file after it was opened.</summary>
    /// <returns>False when <c>isExpected</c> rejects the opened file, which then stays unchanged.</returns>
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
            throw LinuxCalls.Failure($"Cannot change the owner to {uid}:{gid} of", path, LinuxCalls.LastError);
        }

        if (mode is { } bits)
        {
            // An O_PATH descriptor takes no fchmod; its name in /proc leads to the same inode, whatever the path names by now.
            File.SetUnixFileMode($"/proc/self/fd/{descriptor}", bits);
        }

        return true;
    }

    /// <summary>Whether the mode bits alone (4 read, 2 write, 1 enter or run) allow access; ignores capabilities and ACLs.</summary>
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
