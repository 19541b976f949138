namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>The dynamic table of HPACK (RFC 7541, 2.3.2 and 4): the newest entry has index 0, the oldest go first.</summary>
internal sealed class HpackDynamicTable(int maxSize)
{
    private HeaderField[] _ring = new HeaderField[16];
    private int _newest;
    private int _size;

    internal int Count { get; private set; }

    /// <summary>The room of the table, in bytes.</summary>
    internal int MaxSize { get; private set; } = maxSize;

    /// <summary>The bytes that the entries take now.</summary>
    internal int Size => _size;

    /// <summary>The entry that was added <paramref name="index"/> entries before the newest.</summary>
    internal HeaderField Get(int index) => _ring[(_newest - index) & (_ring.Length - 1)];

    internal void Resize(int maxSize)
    {
        MaxSize = maxSize;
        EvictTo(maxSize);
    }

    /// <summary>Adds an entry. One larger than the whole table empties it, which is no error (RFC 7541, 4.4).</summary>
    internal void Add(HeaderField field)
    {
        if (field.Size > MaxSize)
        {
            EvictTo(0);
            return;
        }

        EvictTo(MaxSize - field.Size);
        if (Count == _ring.Length)
        {
            Grow();
        }

        _newest = (_newest + 1) & (_ring.Length - 1);
        _ring[_newest] = field;
        _size += field.Size;
        Count++;
    }

    /// <summary>Finds a field: the index of a full match, or of the newest entry of that name, or -1.</summary>
    internal int Find(string name, string value, out bool valueMatches)
    {
        int byName = -1;
        for (int i = 0; i < Count; i++)
        {
            HeaderField field = Get(i);
            if (field.Name != name)
            {
                continue;
            }

            if (field.Value == value)
            {
                valueMatches = true;
                return i;
            }

            byName = byName < 0 ? i : byName;
        }

        valueMatches = false;
        return byName;
    }

    private void EvictTo(int size)
    {
        while (_size > size)
        {
            int oldest = (_newest - (Count - 1)) & (_ring.Length - 1);
            _size -= _ring[oldest].Size;
            _ring[oldest] = default;
            Count--;
        }
    }

    private void Grow()
    {
        HeaderField[] larger = new HeaderField[_ring.Length * 2];
        for (int i = 0; i < Count; i++)
        {
            larger[Count - 1 - i] = Get(i);
        }

        _ring = larger;
        _newest = Count - 1;
    }
}
