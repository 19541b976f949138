using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Compose;

/// <summary>A part of a YAML document: entries, items, or one value.</summary>
internal sealed class ComposeNode
{
    private ComposeNode(string file, int line)
    {
        File = file;
        Line = line;
    }

    public string File { get; }

    public int Line { get; }

    /// <summary>What a mapping has, in its order; null if it is none.</summary>
    public Dictionary<string, ComposeNode>? Entries { get; private init; }

    /// <summary>What a sequence has; null if it is none.</summary>
    public List<ComposeNode>? Items { get; private init; }

    /// <summary>The text of a value.</summary>
    public string Value { get; private init; } = string.Empty;

    /// <summary>Whether the text is written without quotes, so that it may be a number, true, false or null.</summary>
    public bool IsPlain { get; private init; }

    /// <summary>Whether <c>!reset</c> or <c>!override</c> is before it.</summary>
    public ComposeTag Tag { get; init; }

    public bool IsNull => Entries is null && Items is null && IsPlain && ComposeScalar.IsNull(Value);

    public static ComposeNode Mapping(string file, int line, Dictionary<string, ComposeNode> entries, ComposeTag tag = ComposeTag.None) => new(file, line) { Entries = entries, Tag = tag };

    public static ComposeNode Sequence(string file, int line, List<ComposeNode> items, ComposeTag tag = ComposeTag.None) => new(file, line) { Items = items, Tag = tag };

    public static ComposeNode Scalar(string file, int line, string value, bool isPlain, ComposeTag tag = ComposeTag.None) => new(file, line) { Value = value, IsPlain = isPlain, Tag = tag };

    /// <summary>A text in the place of this.</summary>
    public ComposeNode Text(string value) => Scalar(File, Line, value, isPlain: false);

    public ComposeNode? Entry(string name) => Entries is not null && Entries.TryGetValue(name, out ComposeNode? entry) && !entry.IsNull ? entry : null;

    /// <summary>The text of a value; refuses a collection.</summary>
    public string ToText(string what) => Entries is null && Items is null
        ? IsPlain ? ComposeScalar.ToText(Value) : Value
        : throw Refuse($"'{what}' must be a single value.");

    public Dictionary<string, ComposeNode> ToEntries(string what) => Entries ?? throw Refuse($"'{what}' must be a mapping.");

    public DefinitionException Refuse(string message) => new(message, File, Line);
}

/// <summary>Tags with a meaning for merging.</summary>
internal enum ComposeTag
{
    None,

    /// <summary>Takes away what files before have.</summary>
    Reset,

    /// <summary>Takes the place of what files before have.</summary>
    Override,
}
