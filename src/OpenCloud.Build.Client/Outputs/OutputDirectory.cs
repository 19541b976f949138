using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>
/// A directory that takes files from an engine. Every name is resolved from its root, component by component and through no symbolic link, so
/// that nothing lands outside of it, whatever names are sent and whatever links it contains.
/// </summary>
internal sealed class OutputDirectory : IDisposable
{
    private const uint OwnerAll = 0x1C0;

    private readonly SafeFileHandle _root;
    private byte[] _parentPath = [];
    private SafeFileHandle? _parent;

    /// <summary>Opens a directory, created if missing. Its own path may contain links: the user gave it.</summary>
    /// <exception cref="IOException">The directory cannot be opened.</exception>
    public OutputDirectory(string path)
    {
        Location = path;
        Directory.CreateDirectory(path);
        byte[] terminated = [.. System.Text.Encoding.UTF8.GetBytes(path), 0];
        _root = Handle(LinuxCalls.Open(LinuxCalls.CurrentDirectory, terminated, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly), path);
    }

    public string Location { get; }

    /// <summary>Whether extended attributes of users (<c>user.*</c>) are taken over.</summary>
    public bool KeepsAttributes { get; init; }

    /// <summary>Creates a directory unless it exists. Anything else in its place, also a link to a directory, is replaced.</summary>
    public void MakeDirectory(byte[] path)
    {
        SafeFileHandle parent = ParentOf(path, out byte[] name);
        for (int attempt = 0; attempt < 2; attempt++)
        {
            if (Call(parent, name, static (d, n) => LinuxCalls.MakeDirectory(d, n, 0x1C0)) == 0)
            {
                return;
            }

            int error = LinuxCalls.LastError;
            if (error != LinuxCalls.Exists)
            {
                throw Failed("create the directory", path, error);
            }

            int existing = LinuxCalls.Open(Number(parent), name, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly | LinuxCalls.NoFollow);
            if (existing >= 0)
            {
                using SafeFileHandle handle = new(existing, ownsHandle: true);
                AllowWriting(existing);
                return;
            }

            if (Call(parent, name, static (d, n) => LinuxCalls.Unlink(d, n)) != 0)
            {
                throw Failed("replace", path, LinuxCalls.LastError);
            }
        }

        throw Failed("create the directory", path, LinuxCalls.Exists);
    }

    /// <summary>
    /// Lets the owner write into a directory during the transfer; it gets its mode at the end. For root this is not needed, and for other users
    /// it has no effect.
    /// </summary>
    private static void AllowWriting(int directory)
    {
        if (LinuxCalls.TryStat(directory, "\0"u8, LinuxCalls.EmptyPath, out LinuxStat stat) && (stat.Mode & OwnerAll) != OwnerAll)
        {
            _ = LinuxCalls.ChangeMode(directory, (uint)(stat.Mode & 0xFFF) | OwnerAll);
        }
    }

    /// <summary>Opens a new file beside its final place; see <see cref="Publish"/>.</summary>
    public (FileStream Stream, byte[] TemporaryPath) CreateFile(byte[] path)
    {
        SafeFileHandle parent = ParentOf(path, out _);
        byte[] name = TemporaryName();
        int descriptor = OpenNew(Number(parent), name);
        SafeFileHandle handle = Handle(descriptor, Utf8.Display(path));
        return (new FileStream(handle, FileAccess.Write, 0), Sibling(path, name));
    }

    public void MakeSymlink(byte[] path, byte[] target) =>
        MakeAndPublish(path, "create the symbolic link", (parent, name) =>
        {
            byte[] terminated = [.. target, 0];
            return LinuxCalls.MakeSymlink(terminated, parent, name);
        });

    public void MakePipe(byte[] path, uint mode) =>
        MakeAndPublish(path, "create the named pipe", (parent, name) => LinuxCalls.MakeFifo(parent, name, mode & 0x1FF));

    public void MakeHardLink(byte[] path, byte[] existing)
    {
        using SafeFileHandle from = OpenDirectory(BytePathParent(existing));
        byte[] old = [.. LastOf(existing), 0];
        MakeAndPublish(path, "create the hard link", (parent, name) => LinuxCalls.MakeLink(Number(from), old, parent, name));
    }

    /// <summary>Sets a file's mode and time, and then its name.</summary>
    public void Publish(FileStream stream, byte[] temporaryPath, byte[] path, ReceivedStat stat)
    {
        stream.Flush();
        SetAttributes(stream.SafeFileHandle, stat);
        (uint mode, long modified) = (stat.Mode, stat.Modified);
        if (LinuxCalls.ChangeMode(Number(stream.SafeFileHandle), mode & 0x1FF) != 0)
        {
            throw Failed("set the mode of", path, LinuxCalls.LastError);
        }

        stream.Dispose();
        SetTime(temporaryPath, modified);
        Rename(temporaryPath, path);
    }

    /// <summary>Sets a directory's attributes, its mode with the sticky bit, and its time.</summary>
    public void FinishDirectory(byte[] path, ReceivedStat stat)
    {
        using (SafeFileHandle handle = OpenDirectory(path))
        {
            SetAttributes(handle, stat);
            uint mode = (stat.Mode & 0x1FF) | ((stat.Mode & GoFileMode.Sticky) != 0 ? UnixMode.Sticky : 0);
            if (LinuxCalls.ChangeMode(Number(handle), mode) != 0)
            {
                throw Failed("set the mode of", path, LinuxCalls.LastError);
            }
        }

        SetTime(path, stat.Modified);
    }

    private void SetAttributes(SafeFileHandle file, ReceivedStat stat)
    {
        if (!KeepsAttributes)
        {
            return;
        }

        foreach ((byte[] name, byte[] value) in stat.Attributes)
        {
            // The kernel's own attributes, capabilities among them, are rights that an image must not grant on this machine.
            if (name.AsSpan().StartsWith("user."u8) && LinuxCalls.SetAttribute(Number(file), [.. name, 0], value) != 0)
            {
                throw Failed("set an attribute of", stat.Path, LinuxCalls.LastError);
            }
        }
    }

    /// <summary>Sets the time of an entry without following a link.</summary>
    public void SetTime(byte[] path, long modified)
    {
        SafeFileHandle parent = ParentOf(path, out byte[] name);
        long seconds = Math.DivRem(modified, 1_000_000_000, out long nanoseconds);
        if (nanoseconds < 0)
        {
            seconds--;
            nanoseconds += 1_000_000_000;
        }

        // A time that the file system cannot hold must not fail the build.
        _ = LinuxCalls.SetTime(Number(parent), name, seconds, nanoseconds);
    }

    public void Remove(byte[] path, bool isDirectory)
    {
        SafeFileHandle parent = ParentOf(path, out byte[] name);
        if (Call(parent, name, (d, n) => LinuxCalls.Unlink(d, n, isDirectory ? LinuxCalls.RemoveDirectoryFlag : 0)) != 0 && LinuxCalls.LastError is not (LinuxCalls.NoEntry or LinuxCalls.NotEmpty))
        {
            throw Failed("delete", path, LinuxCalls.LastError);
        }

        Forget();
    }

    /// <summary>Removes an unfinished file; an error is ignored, since another failure is being handled.</summary>
    public void Discard(byte[] temporaryPath)
    {
        try
        {
            Remove(temporaryPath, isDirectory: false);
        }
        catch (ContextException)
        {
        }
    }

    /// <summary>The entries of a directory; links are entries and are not followed.</summary>
    public List<(byte[] Path, bool IsDirectory)> List(byte[] path)
    {
        using SafeFileHandle directory = OpenDirectory(path);
        List<(byte[], bool)> entries = [];
        byte[] buffer = new byte[32 * 1024];
        int count;
        while ((count = LinuxCalls.ReadDirectory(Number(directory), buffer)) > 0)
        {
            // struct linux_dirent64: inode, offset, the record's length, a type and the name, which ends with a zero byte.
            for (int at = 0; at < count; at += BitConverter.ToUInt16(buffer, at + 16))
            {
                ReadOnlySpan<byte> name = buffer.AsSpan(at + 19);
                name = name[..name.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                {
                    byte[] full = path.Length == 0 ? name.ToArray() : [.. path, (byte)'/', .. name];
                    entries.Add((full, IsDirectory(directory, name, buffer[at + 18])));
                }
            }
        }

        return count == 0 ? entries : throw Failed("list", path, LinuxCalls.LastError);
    }

    /// <summary>Flushes everything to the disk: one call for the file system, where many files would need one each.</summary>
    /// <exception cref="IOException">The flush failed.</exception>
    public void Synchronize()
    {
        if (LinuxCalls.SynchronizeFileSystem(Number(_root)) != 0 && LinuxCalls.LastError is var error and not (LinuxCalls.InvalidArgument or LinuxCalls.NotSupported))
        {
            throw LinuxCalls.Failure("Cannot flush to disk the output", Location, error);
        }
    }

    /// <summary>Forgets the directory that was used last, since something else may have replaced it.</summary>
    public void Forget()
    {
        _parent?.Dispose();
        _parent = null;
    }

    public void Dispose()
    {
        Forget();
        _root.Dispose();
    }

    private static int Number(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static ReadOnlySpan<byte> LastOf(byte[] path) => path.AsSpan(path.AsSpan().LastIndexOf((byte)'/') + 1);

    private static byte[] BytePathParent(byte[] path)
    {
        int slash = path.AsSpan().LastIndexOf((byte)'/');
        return slash < 0 ? [] : path[..slash];
    }

    private static byte[] Sibling(byte[] path, byte[] terminatedName)
    {
        byte[] parent = BytePathParent(path);
        byte[] name = terminatedName[..^1];
        return parent.Length == 0 ? name : [.. parent, (byte)'/', .. name];
    }

    private static int Call(SafeFileHandle parent, byte[] name, NameCall call) => call(Number(parent), name);

    private static bool IsDirectory(SafeFileHandle parent, ReadOnlySpan<byte> name, byte type)
    {
        const byte Unknown = 0;
        const byte DirectoryType = 4;
        if (type != Unknown)
        {
            return type == DirectoryType;
        }

        return LinuxCalls.TryStat(Number(parent), [.. name, 0], LinuxCalls.NoFollowLinks, out LinuxStat stat) && stat.Type == UnixMode.Directory;
    }

    private static int OpenNew(int parent, byte[] name)
        => LinuxCalls.Open(parent, name, LinuxCalls.WriteOnly | LinuxCalls.Create | LinuxCalls.Exclusive | LinuxCalls.NoFollow, 0x180);

    private SafeFileHandle Handle(int descriptor, string what) => descriptor >= 0
        ? new SafeFileHandle(descriptor, ownsHandle: true)
        : throw new ContextException(ContextErrorKind.Unreadable, $"'{what}' of the output '{Location}' cannot be opened: {LinuxCalls.Describe(LinuxCalls.LastError)}.");

    private void MakeAndPublish(byte[] path, string action, NameCall make)
    {
        SafeFileHandle parent = ParentOf(path, out _);
        byte[] name = TemporaryName();
        if (Call(parent, name, make) != 0)
        {
            throw Failed(action, path, LinuxCalls.LastError);
        }

        Rename(Sibling(path, name), path);
    }

    private void Rename(byte[] from, byte[] to, bool isRetry = false)
    {
        SafeFileHandle parent = ParentOf(to, out byte[] name);
        byte[] old = [.. LastOf(from), 0];
        if (LinuxCalls.Rename(Number(parent), old, Number(parent), name) == 0)
        {
            return;
        }

        int error = LinuxCalls.LastError;
        if (error == LinuxCalls.IsADirectory && !isRetry)
        {
            // As in fsutil's receiver (diskwriter.go): the last entry wins.
            RemoveTree(to);
            Rename(from, to, isRetry: true);
            return;
        }

        Discard(from);
        throw Failed("write", to, error);
    }

    private void RemoveTree(byte[] path)
    {
        foreach ((byte[] entry, bool isDirectory) in List(path))
        {
            if (isDirectory)
            {
                RemoveTree(entry);
            }
            else
            {
                Remove(entry, isDirectory: false);
            }
        }

        Remove(path, isDirectory: true);
    }

    // Not by process id, which recurs in every container: leftovers of a killed run must not be in the way.
    private static byte[] TemporaryName() => [.. System.Text.Encoding.ASCII.GetBytes($".ocb-{Guid.NewGuid():n}.incoming"), 0];

    private SafeFileHandle ParentOf(byte[] path, out byte[] name)
    {
        name = [.. LastOf(path), 0];
        byte[] parent = BytePathParent(path);
        if (parent.Length == 0)
        {
            return _root;
        }

        if (_parent is null || !_parentPath.AsSpan().SequenceEqual(parent))
        {
            SafeFileHandle next = OpenDirectory(parent);
            _parent?.Dispose();
            (_parent, _parentPath) = (next, parent);
        }

        return _parent;
    }

    /// <summary>Opens a directory step by step; no step follows a link.</summary>
    private SafeFileHandle OpenDirectory(byte[] path)
    {
        int flags = LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly | LinuxCalls.NoFollow;
        SafeFileHandle current = Handle(LinuxCalls.Open(Number(_root), ".\0"u8, flags), ".");
        int start = 0;
        while (start < path.Length)
        {
            int slash = path.AsSpan(start).IndexOf((byte)'/');
            int end = slash < 0 ? path.Length : start + slash;
            int next = LinuxCalls.Open(Number(current), [.. path.AsSpan(start, end - start), 0], flags);
            int error = LinuxCalls.LastError;
            current.Dispose();
            if (next < 0)
            {
                throw Failed("enter the directory", path, error);
            }

            current = new SafeFileHandle(next, ownsHandle: true);
            start = end + 1;
        }

        return current;
    }

    private ContextException Failed(string action, byte[] path, int error) => new(
        ContextErrorKind.Unreadable, $"Cannot {action} '{Utf8.Display(path)}' in the output '{Location}': {LinuxCalls.Describe(error)}.");

    private delegate int NameCall(int parent, byte[] name);
}
