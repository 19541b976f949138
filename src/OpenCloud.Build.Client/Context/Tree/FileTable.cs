using System.Runtime.InteropServices;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>The files of a listing that the receiver may request. Safe for concurrent use.</summary>
/// <remarks>A file takes 48 bytes and its name; a directory takes its path, once. Nothing else is kept of a walk.</remarks>
internal sealed class FileTable
{
    private const int ChunkBits = 16;
    private const int ChunkSize = 1 << ChunkBits;

    private readonly Lock _lock = new();
    private readonly List<byte[]> _chunks = [];
    private readonly List<Record> _records = [];
    private readonly List<(int Offset, int Length)> _directories = [];
    private int _used = ChunkSize;

    public int AddDirectory(ReadOnlySpan<byte> path)
    {
        lock (_lock)
        {
            _directories.Add((Store(path), path.Length));
            return _directories.Count - 1;
        }
    }

    /// <summary>Adds a file; its id is its index in the listing. Ids only grow; a negative size marks a file without content that can be opened.</summary>
    public void Add(uint id, int directory, ReadOnlySpan<byte> name, ListedFile listed)
    {
        lock (_lock)
        {
            _records.Add(new Record { Id = id, Directory = directory, Name = Store(name), NameLength = name.Length, Listed = listed });
        }
    }

    /// <summary>Takes a file; each file can be taken once.</summary>
    /// <returns>Its place for <see cref="Get"/>, or -1 when there is no such file or it was taken.</returns>
    public int Claim(uint id)
    {
        lock (_lock)
        {
            Span<Record> records = CollectionsMarshal.AsSpan(_records);
            int low = 0;
            int high = records.Length - 1;
            while (low <= high)
            {
                int middle = (low + high) >>> 1;
                ref Record record = ref records[middle];
                if (record.Id == id)
                {
                    bool first = !record.Taken;
                    record.Taken = true;
                    return first ? middle : -1;
                }

                (low, high) = record.Id < id ? (middle + 1, high) : (low, middle - 1);
            }

            return -1;
        }
    }

    /// <summary>A file's path (in a buffer that grows when needed), its id and what the listing said.</summary>
    public ListedFile Get(int place, ref byte[] path, out int pathLength, out uint id)
    {
        lock (_lock)
        {
            Record record = _records[place];
            (int offset, int length) = _directories[record.Directory];
            int start = length == 0 ? 0 : length + 1;
            pathLength = start + record.NameLength;
            if (path.Length < pathLength)
            {
                path = new byte[pathLength * 2];
            }

            if (length > 0)
            {
                Load(offset, length).CopyTo(path);
                path[length] = BytePath.Separator;
            }

            Load(record.Name, record.NameLength).CopyTo(path.AsSpan(start));
            id = record.Id;
            return record.Listed;
        }
    }

    private int Store(ReadOnlySpan<byte> bytes)
    {
        if (_used + bytes.Length > ChunkSize || _chunks.Count == 0)
        {
            _chunks.Add(GC.AllocateUninitializedArray<byte>(Math.Max(ChunkSize, bytes.Length)));
            _used = 0;
        }

        // An overflowing shift is not an error, checked or not; an overflowing product is.
        int offset = checked((_chunks.Count - 1) * ChunkSize) | _used;
        bytes.CopyTo(_chunks[^1].AsSpan(_used));
        _used += bytes.Length;
        return offset;
    }

    private ReadOnlySpan<byte> Load(int offset, int length) =>
        _chunks[offset >> ChunkBits].AsSpan(offset & (ChunkSize - 1), length);

    [StructLayout(LayoutKind.Auto)]
    private struct Record
    {
        public uint Id;
        public int Directory;
        public int Name;
        public int NameLength;
        public bool Taken;
        public ListedFile Listed;
    }
}
