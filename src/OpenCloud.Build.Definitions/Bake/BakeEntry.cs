using OpenCloud.Build.Definitions.Hcl;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>An output, a cache or an attestation: a type and its attributes.</summary>
internal sealed class BakeEntry : IEquatable<BakeEntry>
{
    private const string Local = "local";

    public required string Type { get; init; }

    public SortedDictionary<string, string> Attributes { get; init; } = new(StringComparer.Ordinal);

    public bool IsDisabled { get; init; }

    /// <summary>Parses an output: <c>type=…,dest=…</c>, or only a directory.</summary>
    public static BakeEntry ParseOutput(string text)
    {
        IReadOnlyList<string> fields = Fields(text);
        if (fields.Count == 1 && fields[0] == text && !text.StartsWith("type=", StringComparison.Ordinal))
        {
            return new BakeEntry { Type = text == "-" ? "tar" : Local, Attributes = new(StringComparer.Ordinal) { ["dest"] = text } };
        }

        return Parse(text, fields, isLower: true);
    }

    /// <summary>Parses caches: <c>type=…,ref=…</c>, or references separated by commas.</summary>
    public static IEnumerable<BakeEntry> ParseCaches(string text)
    {
        IReadOnlyList<string> fields = Fields(text);
        return text.Contains('=', StringComparison.Ordinal)
            ? [Parse(text, fields, isLower: true)]
            : fields.Select(static f => new BakeEntry { Type = "registry", Attributes = new(StringComparer.Ordinal) { ["ref"] = f } });
    }

    /// <summary>Parses an attestation, such as <c>type=provenance,mode=max</c>.</summary>
    public static BakeEntry ParseAttest(string text) => Parse(text, Fields(text), isLower: false);

    /// <summary>Makes an entry from attributes. With <paramref name="isLower"/> their names are case-insensitive; those of attestations are not.</summary>
    public static BakeEntry From(IEnumerable<KeyValuePair<string, string>> pairs, bool isLower)
    {
        SortedDictionary<string, string> attributes = new(StringComparer.Ordinal);
        foreach ((string key, string value) in pairs)
        {
            string lower = key.Trim().ToLowerInvariant();
            string name = isLower && lower == "destination" ? "dest" : isLower || lower is "type" or "disabled" ? lower : key;
            if (name.Length == 0 || !attributes.TryAdd(name, value))
            {
                throw new FormatException(name.Length == 0 ? "an attribute has no name." : $"'{name}' is defined twice.");
            }
        }

        string type = attributes.Remove("type", out string? given) ? given : string.Empty;
        bool isDisabled = attributes.Remove("disabled", out string? disabled) && ParseBool(disabled, "disabled");
        if (type.Length == 0)
        {
            throw new FormatException("its 'type' is missing.");
        }

        if (attributes.TryGetValue("dest", out string? dest) && dest.Length == 0)
        {
            attributes.Remove("dest");
        }

        return new BakeEntry { Type = type, Attributes = attributes, IsDisabled = isDisabled };
    }

    public static bool ParseBool(string text, string key) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new FormatException($"'{key}' must be true or false, but is '{text}'."),
    };

    /// <summary>Removes duplicates, and leaves the order that buildx leaves.</summary>
    public static List<BakeEntry> Distinct(IEnumerable<BakeEntry> entries)
    {
        List<BakeEntry> list = [.. entries];
        for (int i = list.Count - 2; i >= 0; i--)
        {
            int same = list.FindIndex(i + 1, e => e.Equals(list[i]));
            if (same >= 0)
            {
                list[same] = list[^1];
                list.RemoveAt(list.Count - 1);
            }
        }

        return list;
    }

    /// <summary>Keeps the last attestation of each type, at the position of the first.</summary>
    public static List<BakeEntry> LastOfType(IEnumerable<BakeEntry> entries) => LastOfEach(entries, static e => e.Type);

    /// <summary>Keeps the last item of each key, at the position of the first.</summary>
    public static List<T> LastOfEach<T>(IEnumerable<T> items, Func<T, string> keyOf)
    {
        List<T> list = [];
        foreach (T item in items)
        {
            int same = list.FindIndex(i => keyOf(i) == keyOf(item));
            if (same >= 0)
            {
                list[same] = item;
            }
            else
            {
                list.Add(item);
            }
        }

        return list;
    }

    public BakeEntry With(string key, string value) => new() { Type = Type, IsDisabled = IsDisabled, Attributes = new(Attributes, StringComparer.Ordinal) { [key] = value } };

    public Dictionary<string, string> ToPairs() => new(Attributes, StringComparer.Ordinal) { ["type"] = Type };

    public bool Equals(BakeEntry? other) => other is not null && Type == other.Type && IsDisabled == other.IsDisabled && Attributes.SequenceEqual(other.Attributes);

    public override bool Equals(object? obj) => Equals(obj as BakeEntry);

    public override int GetHashCode() => HashCode.Combine(Type, Attributes.Count);

    private static IReadOnlyList<string> Fields(string text) => CsvText.Fields(text) ?? throw new FormatException($"a quote in '{text}' is not closed or not allowed here.");

    private static BakeEntry Parse(string text, IReadOnlyList<string> fields, bool isLower)
    {
        List<KeyValuePair<string, string>> pairs = [];
        foreach (string field in fields)
        {
            int equals = field.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                throw new FormatException($"'{field}' in '{text}' is not in the form 'key=value'.");
            }

            pairs.Add(KeyValuePair.Create(field[..equals], field[(equals + 1)..]));
        }

        return From(pairs, isLower);
    }
}
