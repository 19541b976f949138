using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>An entry's type as its directory reports it, before a stat.</summary>
internal enum EntryKind : byte
{
    Unknown,

    Directory,

    Other,
}

/// <summary>The names in one directory, in two arrays that are reused for the next one.</summary>
internal sealed class NameList
{
    private byte[] _bytes = new byte[512];
    private Entry[] _entries = new Entry[16];
    private int _length;

    public int Count { get; private set; }

    public ReadOnlySpan<byte> this[int index] => _bytes.AsSpan(_entries[index].Offset, _entries[index].Length);

    public EntryKind KindOf(int index) => _entries[index].Kind;

    public void Clear()
    {
        Count = 0;
        _length = 0;
    }

    public void Add(ReadOnlySpan<byte> name, EntryKind kind)
    {
        if (_bytes.Length - _length < name.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + name.Length));
        }

        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        name.CopyTo(_bytes.AsSpan(_length));
        _entries[Count++] = new Entry(SortKey(name), _length, name.Length, kind);
        _length += name.Length;
    }

    public void Sort()
    {
        byte[] bytes = _bytes;
        MemoryExtensions.Sort(_entries.AsSpan(0, Count), (left, right) =>
        {
            int order = left.Key.CompareTo(right.Key);
            return order != 0
                ? order
                : bytes.AsSpan(left.Offset, left.Length).SequenceCompareTo(bytes.AsSpan(right.Offset, right.Length));
        });
    }

    /// <summary>The first eight bytes as a number, so that most comparisons touch no name. A name holds no zero byte.</summary>
    private static ulong SortKey(ReadOnlySpan<byte> name)
    {
        if (name.Length >= sizeof(ulong))
        {
            return BinaryPrimitives.ReadUInt64BigEndian(name);
        }

        Span<byte> padded = stackalloc byte[sizeof(ulong)];
        padded.Clear();
        name.CopyTo(padded);
        return BinaryPrimitives.ReadUInt64BigEndian(padded);
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Entry(ulong Key, int Offset, int Length, EntryKind Kind);
}
