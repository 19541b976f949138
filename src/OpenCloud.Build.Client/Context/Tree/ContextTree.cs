namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>Files that a build may use, wherever they are. One tree serves one transfer.</summary>
internal abstract class ContextTree : IDisposable
{
    /// <summary>Opens the root. The caller disposes the result.</summary>
    public abstract TreeDirectory OpenRoot();

    /// <summary>Makes a reader of file content; a reader is used by one thread at a time.</summary>
    public abstract TreeReader CreateReader();

    public abstract void Dispose();
}

internal abstract class TreeDirectory : IDisposable
{
    /// <summary>Adds all names, in any order.</summary>
    /// <returns>0, or the error number when the directory cannot be read.</returns>
    public abstract int List(NameList names);

    /// <summary>Reads an entry's state, not following a symbolic link; false when the entry does not exist (any more).</summary>
    public abstract bool TryStat(ReadOnlySpan<byte> name, TreeEntry entry);

    /// <summary>Opens a directory in this one, not following a symbolic link; <c>error</c> is 0 or the error number.</summary>
    public abstract TreeDirectory? Open(ReadOnlySpan<byte> name, out int error);

    public virtual void Dispose()
    {
    }
}

/// <summary>Reads files of a tree, one after another.</summary>
internal abstract class TreeReader : IDisposable
{
    /// <summary>Opens a file that was listed.</summary>
    /// <exception cref="ContextException">
    /// The file cannot be read; or, with <see cref="ContextErrorKind.Changed"/>, it is gone or no longer a regular file.
    /// </exception>
    public abstract void Open(ReadOnlySpan<byte> path, in ListedFile listed);

    /// <summary>Reads on; 0 at the end.</summary>
    public abstract int Read(Span<byte> buffer);

    /// <summary>Whether the open file differs from the listing in size or, with <c>byTime</c>, in time.</summary>
    public virtual bool HasChanged(in ListedFile listed, bool byTime) => false;

    public abstract void Close();

    public void Dispose() => Close();
}

/// <summary>The data kept of a listed file, to recognize it when it is sent.</summary>
internal readonly record struct ListedFile(long Size, ulong Inode, long Modified);

/// <summary>The state of one entry. One object is reused for a whole walk.</summary>
internal sealed class TreeEntry
{
    /// <summary>Go's mode bits; a socket still has its bit.</summary>
    public uint Mode { get; set; }

    /// <summary>Bytes; 0 for a directory.</summary>
    public long Size { get; set; }

    /// <summary>Nanoseconds since 1970.</summary>
    public long Modified { get; set; }

    public ulong FileSystem { get; set; }

    public ulong Inode { get; set; }

    public uint LinkCount { get; set; }

    public uint DeviceMajor { get; set; }

    public uint DeviceMinor { get; set; }

    /// <summary>A symbolic link's target, or the first path of a hard link; empty when there is none.</summary>
    public ReadOnlyMemory<byte> LinkName { get; set; }

    /// <summary>The extended attributes, in the order in which they are sent.</summary>
    public List<KeyValuePair<byte[], byte[]>> Attributes { get; } = [];

    public bool IsDirectory => (Mode & GoFileMode.Directory) != 0;

    public bool IsSymlink => (Mode & GoFileMode.Symlink) != 0;

    public void Reset()
    {
        Mode = 0;
        Size = 0;
        Modified = 0;
        FileSystem = 0;
        Inode = 0;
        LinkCount = 1;
        DeviceMajor = 0;
        DeviceMinor = 0;
        LinkName = default;
        Attributes.Clear();
    }
}
