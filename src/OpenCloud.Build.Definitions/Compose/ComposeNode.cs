using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Compose;

/// <summary>A node of a YAML document: a mapping, a sequence or a scalar.</summary>
internal sealed class ComposeNode
{
    private ComposeNode(string file, int line)
    {
        File = file;
        Line = line;
    }

    public string File { get; }

    public int Line { get; }

    /// <summary>The entries of a mapping; null for other nodes.</summary>
    public Dictionary<string, ComposeNode>? Entries { get; private init; }

    /// <summary>The items of a sequence; null for other nodes.</summary>
    public List<ComposeNode>? Items { get; private init; }

    public string Value { get; private init; } = string.Empty;

    /// <summary>Whether the scalar has no quotes, so that it may be a number, true, false or null.</summary>
    public bool IsPlain { get; private init; }

    public ComposeTag Tag { get; init; }

    public bool IsNull => Entries is null && Items is null && IsPlain && ComposeScalar.IsNull(Value);

    public static ComposeNode Mapping(string file, int line, Dictionary<string, ComposeNode> entries, ComposeTag tag = ComposeTag.None) => new(file, line) { Entries = entries, Tag = tag };

    public static ComposeNode Sequence(string file, int line, List<ComposeNode> items, ComposeTag tag = ComposeTag.None) => new(file, line) { Items = items, Tag = tag };

    public static ComposeNode Scalar(string file, int line, string value, bool isPlain, ComposeTag tag = ComposeTag.None) => new(file, line) { Value = value, IsPlain = isPlain, Tag = tag };

    /// <summary>A string with this node's file and line.</summary>
    public ComposeNode Text(string value) => Scalar(File, Line, value, isPlain: false);

    /// <summary>The mapping with each value changed; other nodes as they are.</summary>
    public ComposeNode Select(Func<string, ComposeNode, ComposeNode> change) =>
        Entries is null ? this : Mapping(File, Line, Entries.ToDictionary(static e => e.Key, e => change(e.Key, e.Value), StringComparer.Ordinal));

    public ComposeNode? Entry(string name) => Entries is not null && Entries.TryGetValue(name, out ComposeNode? entry) && !entry.IsNull ? entry : null;

    /// <summary>The text of a scalar; throws for a mapping or sequence.</summary>
    public string ToText(string what) => Entries is null && Items is null
        ? IsPlain ? ComposeScalar.ToText(Value) : Value
        : throw Refuse($"'{what}' must be a single value.");

    public Dictionary<string, ComposeNode> ToEntries(string what) => Entries ?? throw Refuse($"'{what}' must be a mapping.");

    public DefinitionException Refuse(string message) => new(message, File, Line);
}

/// <summary>The YAML tags that affect merging.</summary>
internal enum ComposeTag
{
    None,

    /// <summary><c>!reset</c> removes the value of earlier files.</summary>
    Reset,

    /// <summary><c>!override</c> replaces the value of earlier files.</summary>
    Override,
}
