using System.Runtime.InteropServices;
using System.Text;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>A directory on this machine, served without ever following a symbolic link beneath its root.</summary>
internal sealed class DirectoryTree : ContextTree
{
    private readonly string _path;
    private readonly int _root;
    private bool _disposed;

    /// <summary>Opens the root; the path itself may be a symbolic link.</summary>
    /// <exception cref="ContextException">The directory cannot be opened.</exception>
    public DirectoryTree(string path)
    {
        _path = path;
        byte[] terminated = [.. Encoding.UTF8.GetBytes(path), 0];
        _root = LinuxCalls.Open(LinuxCalls.CurrentDirectory, terminated, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly);
        if (_root < 0)
        {
            throw ContextException.Unreadable("open the directory", path, LinuxCalls.Describe(LinuxCalls.LastError));
        }
    }

    public override TreeDirectory OpenRoot()
    {
        int descriptor = LinuxCalls.Open(_root, ".\0"u8, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly);
        return descriptor < 0
            ? throw ContextException.Unreadable("open the directory", _path, LinuxCalls.Describe(LinuxCalls.LastError))
            : new LinuxDirectory(descriptor, new AttributeReader());
    }

    public override TreeReader CreateReader() => new LinuxFileReader(_root);

    public override void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            LinuxCalls.Close(_root);
        }
    }
}

internal sealed class LinuxDirectory : TreeDirectory
{
    private const int DirectoryType = 4;
    private const int BufferSize = 64 * 1024;
    private const int EntryNameOffset = 19;

    // A name is at most 255 bytes on every Linux file system but a few; those get a longer buffer.
    private const int ShortName = 256;

    private readonly AttributeReader _attributes;
    private readonly int _descriptor;
    private bool _disposed;

    public LinuxDirectory(int descriptor, AttributeReader attributes)
    {
        _descriptor = descriptor;
        _attributes = attributes;
    }

    public override int List(NameList names)
    {
        byte[] buffer = _attributes.DirectoryBuffer ??= GC.AllocateUninitializedArray<byte>(BufferSize);
        while (true)
        {
            int length = LinuxCalls.ReadDirectory(_descriptor, buffer);
            if (length <= 0)
            {
                return length < 0 ? LinuxCalls.LastError : 0;
            }

            ReadOnlySpan<byte> rest = buffer.AsSpan(0, length);
            while (!rest.IsEmpty)
            {
                int size = MemoryMarshal.Read<ushort>(rest[16..]);
                int type = rest[18];
                ReadOnlySpan<byte> name = rest[EntryNameOffset..size];
                name = name[..name.IndexOf((byte)0)];
                rest = rest[size..];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                {
                    names.Add(name, type switch { 0 => EntryKind.Unknown, DirectoryType => EntryKind.Directory, _ => EntryKind.Other });
                }
            }
        }
    }

    public override bool TryStat(ReadOnlySpan<byte> name, TreeEntry entry)
    {
        entry.Reset();
        Span<byte> terminated = name.Length < ShortName ? stackalloc byte[ShortName + 1] : new byte[name.Length + 1];
        name.CopyTo(terminated);
        terminated[name.Length] = 0;
        if (!LinuxCalls.TryStat(_descriptor, terminated, LinuxCalls.NoFollowLinks, out LinuxStat stat))
        {
            int error = LinuxCalls.LastError;
            return LinuxCalls.IsGone(error)
                ? false
                : throw ContextException.Unreadable("inspect", Utf8.Display(name), LinuxCalls.Describe(error));
        }

        entry.Mode = GoFileMode.FromUnix(stat.Mode);
        entry.Modified = stat.ModifiedUnixNanoseconds;
        entry.FileSystem = (ulong)stat.FileSystemMajor << 32 | stat.FileSystemMinor;
        entry.Inode = stat.Inode;
        entry.LinkCount = stat.LinkCount;
        if (stat.Type != UnixMode.Directory)
        {
            entry.Size = (long)stat.Size;
            entry.DeviceMajor = stat.DeviceMajor;
            entry.DeviceMinor = stat.DeviceMinor;
        }

        if (stat.Type == UnixMode.Symlink && !TryReadLink(terminated, name, entry))
        {
            return false;
        }

        return _attributes.TryRead(_descriptor, name, entry);
    }

    public override TreeDirectory? Open(ReadOnlySpan<byte> name, out int error)
    {
        byte[] terminated = [.. name, 0];
        int descriptor = LinuxCalls.Open(_descriptor, terminated, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly | LinuxCalls.NoFollow);
        error = descriptor < 0 ? LinuxCalls.LastError : 0;
        return descriptor < 0 ? null : new LinuxDirectory(descriptor, _attributes);
    }

    public override void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            LinuxCalls.Close(_descriptor);
        }
    }

    private bool TryReadLink(ReadOnlySpan<byte> terminated, ReadOnlySpan<byte> name, TreeEntry entry)
    {
        for (byte[] buffer = new byte[Math.Max(256, entry.Size + 1)]; ; buffer = new byte[buffer.Length * 2])
        {
            int length = LinuxCalls.ReadLink(_descriptor, terminated, buffer);
            if (length < 0)
            {
                int error = LinuxCalls.LastError;
                return LinuxCalls.IsGone(error) || error == LinuxCalls.InvalidArgument
                    ? false
                    : throw ContextException.Unreadable("read the link", Utf8.Display(name), LinuxCalls.Describe(error));
            }

            if (length < buffer.Length)
            {
                entry.LinkName = buffer.AsMemory(0, length);
                return true;
            }
        }
    }
}
