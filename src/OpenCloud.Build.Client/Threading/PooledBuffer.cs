namespace OpenCloud.Build.Client.Threading;

/// <summary>
/// Bytes in one pooled array, appended at the end and taken from the start; it grows as needed. Headroom may be kept before the first byte,
/// so that a prefix can be added without moving data. Arrays are cleared before they are returned, because they may have held a secret or
/// a credential. Not safe for concurrent use.
/// </summary>
internal sealed class PooledBuffer : IDisposable
{
    private readonly int _initialCapacity;
    private readonly int _headroom;
    private byte[] _array = [];
    private int _start;
    private int _end;
    private int _used;

    /// <summary>Creates an empty buffer with sizes in bytes; an array is rented with the first byte.</summary>
    internal PooledBuffer(int initialCapacity, int headroom = 0)
    {
        _initialCapacity = initialCapacity;
        _headroom = headroom;
        Clear();
    }

    internal int Length => _end - _start;

    internal Span<byte> Span => _array.Length == 0 ? default : _array.AsSpan(_start, Length);

    internal ReadOnlyMemory<byte> Memory => _array.Length == 0 ? default : _array.AsMemory(_start, Length);

    /// <summary>Room for at least <paramref name="size"/> bytes after the last; <see cref="Advance"/> commits them.</summary>
    internal Span<byte> GetSpan(int size)
    {
        if (_array.Length - _end < size)
        {
            Relocate(_headroom, size);
        }

        return _array.AsSpan(_end);
    }

    /// <summary>Commits bytes written at the start of <see cref="GetSpan"/>.</summary>
    internal void Advance(int count) => _end += count;

    internal void Append(ReadOnlySpan<byte> octets)
    {
        octets.CopyTo(GetSpan(octets.Length));
        _end += octets.Length;
    }

    /// <summary>Puts bytes before the first; data moves only when the headroom does not suffice.</summary>
    internal void Prepend(ReadOnlySpan<byte> octets)
    {
        if (octets.Length > _start || _array.Length == 0)
        {
            Relocate(_headroom + octets.Length, 0);
        }

        _start -= octets.Length;
        octets.CopyTo(_array.AsSpan(_start));
    }

    internal void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            Clear();
        }
    }

    internal void Clear()
    {
        _used = Math.Max(_used, _end);
        _start = _end = _headroom;
    }

    /// <summary>Drops all bytes and returns the array.</summary>
    public void Dispose()
    {
        byte[] array = _array;
        int used = Math.Max(_used, _end);
        _array = [];
        Clear();
        Return(array, used);
    }

    private void Relocate(int newStart, int spare)
    {
        int length = Length;
        int needed = newStart + length + spare;
        byte[] larger = BufferPool.Rent(Math.Max(Math.Max(_initialCapacity, needed), Math.Min(needed * 2, _array.Length * 2)));
        if (_array.Length > 0)
        {
            Span.CopyTo(larger.AsSpan(newStart));
            Return(_array, Math.Max(_used, _end));
        }

        _used = 0;

        _array = larger;
        _start = newStart;
        _end = newStart + length;
    }

    private static void Return(byte[] array, int used)
    {
        array.AsSpan(0, Math.Min(used, array.Length)).Clear();
        BufferPool.Return(array);
    }
}
