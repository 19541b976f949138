using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>A few files that are not on disk, or not in the place where the build sees them.</summary>
internal sealed class MemoryTree : ContextTree
{
    /// <summary>The mode of the files: rw-r--r--.</summary>
    public const uint FileMode = 0x1A4;

    // rwxr-xr-x
    private const uint DirectoryMode = GoFileMode.Directory | 0x1ED;

    private readonly MemoryNode _root = new(DirectoryMode, 0, default);

    /// <summary>
    /// Adds a file at a clean relative path, and its parent directories. The mode has Go's bits, the time is in nanoseconds since 1970; the
    /// content must not change afterwards.
    /// </summary>
    public void Add(byte[] path, uint mode, long modified, ReadOnlyMemory<byte> content)
    {
        MemoryNode directory = _root;
        int start = 0;
        int slash;
        while ((slash = path.AsSpan(start).IndexOf(BytePath.Separator)) >= 0)
        {
            byte[] name = path[start..(start + slash)];
            if (!directory.Children.TryGetValue(name, out MemoryNode? child))
            {
                child = new MemoryNode(DirectoryMode, 0, default);
                directory.Children.Add(name, child);
            }

            directory = child.IsDirectory
                ? child
                : throw new ArgumentException($"'{Utf8.Display(path)}' is below a path that is a file.", nameof(path));
            start += slash + 1;
        }

        if (!directory.Children.TryAdd(path[start..], new MemoryNode(mode, modified, content)))
        {
            throw new ArgumentException($"'{Utf8.Display(path)}' exists twice.", nameof(path));
        }
    }

    public override TreeDirectory OpenRoot() => new MemoryDirectory(_root);

    public override TreeReader CreateReader() => new MemoryReader(_root);

    public override void Dispose()
    {
    }

    private sealed class MemoryNode(uint mode, long modified, ReadOnlyMemory<byte> content)
    {
        public uint Mode { get; } = mode;

        public long Modified { get; } = modified;

        public ReadOnlyMemory<byte> Content { get; } = content;

        public SortedDictionary<byte[], MemoryNode> Children { get; } =
            new(Comparer<byte[]>.Create(static (left, right) => left.AsSpan().SequenceCompareTo(right)));

        public bool IsDirectory => (Mode & GoFileMode.Directory) != 0;
    }

    private sealed class MemoryDirectory(MemoryNode node) : TreeDirectory
    {
        public override int List(NameList names)
        {
            foreach (KeyValuePair<byte[], MemoryNode> child in node.Children)
            {
                names.Add(child.Key, child.Value.IsDirectory ? EntryKind.Directory : EntryKind.Other);
            }

            return 0;
        }

        public override bool TryStat(ReadOnlySpan<byte> name, TreeEntry entry)
        {
            entry.Reset();
            if (!node.Children.TryGetValue(name.ToArray(), out MemoryNode? child))
            {
                return false;
            }

            entry.Mode = child.Mode;
            entry.Modified = child.Modified;
            entry.Size = child.Content.Length;
            return true;
        }

        public override TreeDirectory? Open(ReadOnlySpan<byte> name, out int error)
        {
            bool found = node.Children.TryGetValue(name.ToArray(), out MemoryNode? child) && child.IsDirectory;
            error = found ? 0 : LinuxCalls.NoEntry;
            return found ? new MemoryDirectory(child!) : null;
        }
    }

    private sealed class MemoryReader(MemoryNode root) : TreeReader
    {
        private ReadOnlyMemory<byte> _rest;

        public override void Open(ReadOnlySpan<byte> path, in ListedFile listed)
        {
            MemoryNode node = root;
            foreach (Range component in path.Split(BytePath.Separator))
            {
                node = node.Children[path[component].ToArray()];
            }

            _rest = node.Content;
        }

        public override int Read(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, _rest.Length);
            _rest.Span[..count].CopyTo(buffer);
            _rest = _rest[count..];
            return count;
        }

        public override void Close() => _rest = default;
    }
}
