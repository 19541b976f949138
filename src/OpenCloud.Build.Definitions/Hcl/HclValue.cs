using System.Globalization;

namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>Tuple and object expressions yield tuples and objects; functions and type conversions yield lists, sets and maps.</summary>
internal enum HclKind
{
    Null,
    Bool,
    Number,
    Text,
    Tuple,
    List,
    Set,
    Object,
    Map,
}

/// <summary>An immutable HCL value.</summary>
internal sealed class HclValue : IEquatable<HclValue>
{
    public static readonly HclValue Null = new(HclKind.Null, null);
    public static readonly HclValue True = new(HclKind.Bool, true);
    public static readonly HclValue False = new(HclKind.Bool, false);
    public static readonly HclValue Empty = new(HclKind.Text, string.Empty);

    /// <summary>The maximum size of a value. An element that occurs twice counts twice.</summary>
    private const long MostValues = 1_000_000;

    private readonly object? _value;
    private readonly int _hash;

    private HclValue(HclKind kind, object? value)
    {
        Kind = kind;
        _value = value;
        Size = 1;
        HashCode hash = default;
        hash.Add(kind);
        switch (value)
        {
            case HclValue[] items:
                foreach (HclValue item in items)
                {
                    Size += item.Size;
                    hash.Add(item._hash);
                }

                break;
            case SortedDictionary<string, HclValue> entries:
                foreach ((string key, HclValue entry) in entries)
                {
                    Size += entry.Size;
                    hash.Add(key);
                    hash.Add(entry._hash);
                }

                break;
            default:
                hash.Add(value);
                break;
        }

        _hash = hash.ToHashCode();
        if (Size > MostValues)
        {
            // HclExpression.Evaluate adds the position.
            throw new HclException("a value has too many values in it.", default, isBudget: true);
        }
    }

    /// <summary>The number of values in it at any depth, including itself.</summary>
    public long Size { get; }

    public HclKind Kind { get; }

    public bool IsNull => Kind == HclKind.Null;

    public bool IsPrimitive => Kind is HclKind.Bool or HclKind.Number or HclKind.Text;

    public bool IsSequence => Kind is HclKind.Tuple or HclKind.List or HclKind.Set;

    public bool IsMapping => Kind is HclKind.Object or HclKind.Map;

    public bool Boolean => (bool)_value!;

    public decimal Number => (decimal)_value!;

    public string Text => (string)_value!;

    public IReadOnlyList<HclValue> Items => (IReadOnlyList<HclValue>)_value!;

    /// <summary>Sorted by key.</summary>
    public IReadOnlyDictionary<string, HclValue> Entries => (SortedDictionary<string, HclValue>)_value!;

    public int Count => IsSequence ? Items.Count : Entries.Count;

    public string KindName => Kind switch
    {
        HclKind.Null => "null",
        HclKind.Bool => "bool",
        HclKind.Number => "number",
        HclKind.Text => "string",
        HclKind.Tuple => "tuple",
        HclKind.List => "list",
        HclKind.Set => "set",
        HclKind.Object => "object",
        _ => "map",
    };

    public static HclValue From(bool value) => value ? True : False;

    public static HclValue From(decimal value) => new(HclKind.Number, value);

    public static HclValue From(string value) => new(HclKind.Text, value);

    public static HclValue Tuple(IEnumerable<HclValue> items) => new(HclKind.Tuple, items.ToArray());

    public static HclValue List(IEnumerable<HclValue> items) => new(HclKind.List, items.ToArray());

    public static HclValue Strings(IEnumerable<string> items) => List(items.Select(From));

    /// <summary>Removes duplicates, and sorts a set of only strings or only numbers.</summary>
    public static HclValue Set(IEnumerable<HclValue> items)
    {
        List<HclValue> once = [];
        HashSet<HclValue> seen = [];
        foreach (HclValue item in items)
        {
            if (seen.Add(item))
            {
                once.Add(item);
            }
        }

        if (once.TrueForAll(static i => i.Kind == HclKind.Text))
        {
            once.Sort(static (a, b) => string.CompareOrdinal(a.Text, b.Text));
        }
        else if (once.TrueForAll(static i => i.Kind == HclKind.Number))
        {
            once.Sort(static (a, b) => a.Number.CompareTo(b.Number));
        }

        return new HclValue(HclKind.Set, once.ToArray());
    }

    public static HclValue Object(IEnumerable<KeyValuePair<string, HclValue>> entries) => new(HclKind.Object, Sorted(entries));

    public static HclValue Map(IEnumerable<KeyValuePair<string, HclValue>> entries) => new(HclKind.Map, Sorted(entries));

    /// <summary>The text of a number without trailing zeros in its fraction.</summary>
    public static string NumberText(decimal number)
    {
        string text = number.ToString(CultureInfo.InvariantCulture);
        if (text.Contains('.', StringComparison.Ordinal))
        {
            text = text.TrimEnd('0').TrimEnd('.');
        }

        return text == "-0" ? "0" : text;
    }

    /// <summary>The elements with their keys: the index in a list or tuple, the value itself in a set, the name in a map or object.</summary>
    public IEnumerable<(HclValue Key, HclValue Value)> Elements()
    {
        if (IsMapping)
        {
            foreach ((string key, HclValue value) in Entries)
            {
                yield return (From(key), value);
            }

            yield break;
        }

        for (int i = 0; i < Items.Count; i++)
        {
            yield return (Kind == HclKind.Set ? Items[i] : From((decimal)i), Items[i]);
        }
    }

    public bool Equals(HclValue? other)
    {
        if (other is null || other.Kind != Kind || other._hash != _hash || other.Size != Size)
        {
            return false;
        }

        return ReferenceEquals(this, other) || Kind switch
        {
            HclKind.Null => true,
            HclKind.Bool or HclKind.Number or HclKind.Text => _value!.Equals(other._value),
            HclKind.Object or HclKind.Map => Entries.Count == other.Entries.Count
                && Entries.Zip(other.Entries).All(static p => p.First.Key == p.Second.Key && p.First.Value.Equals(p.Second.Value)),
            _ => Items.Count == other.Items.Count && Items.Zip(other.Items).All(static p => p.First.Equals(p.Second)),
        };
    }

    public override bool Equals(object? obj) => Equals(obj as HclValue);

    public override int GetHashCode() => _hash;

    private static SortedDictionary<string, HclValue> Sorted(IEnumerable<KeyValuePair<string, HclValue>> entries)
    {
        SortedDictionary<string, HclValue> sorted = new(StringComparer.Ordinal);
        foreach ((string key, HclValue value) in entries)
        {
            sorted[key] = value;
        }

        return sorted;
    }
}
