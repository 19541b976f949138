using System.Collections;

namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>Header fields in the order in which they were sent; a name may come more than once.</summary>
internal sealed class HeaderList : IReadOnlyList<HeaderField>
{
    private readonly List<HeaderField> _fields = [];

    /// <summary>The list's size in bytes as SETTINGS_MAX_HEADER_LIST_SIZE counts it.</summary>
    internal int Size { get; private set; }

    public int Count => _fields.Count;

    public HeaderField this[int index] => _fields[index];

    /// <summary>The first value of a name, or null. Names are compared byte by byte: they are lower-case on the wire.</summary>
    internal string? this[string name]
    {
        get
        {
            foreach (HeaderField field in _fields)
            {
                if (field.Name == name)
                {
                    return field.Value;
                }
            }

            return null;
        }
    }

    public void Add(string name, string value) => Add(new HeaderField(name, value));

    internal void Add(HeaderField field)
    {
        _fields.Add(field);
        Size += field.Size;
    }

    internal IEnumerable<string> GetValues(string name)
    {
        foreach (HeaderField field in _fields)
        {
            if (field.Name == name)
            {
                yield return field.Value;
            }
        }
    }

    public List<HeaderField>.Enumerator GetEnumerator() => _fields.GetEnumerator();

    IEnumerator<HeaderField> IEnumerable<HeaderField>.GetEnumerator() => _fields.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _fields.GetEnumerator();
}
