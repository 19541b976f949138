namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>The declared type of a variable, or the type argument of <c>convert</c>.</summary>
internal sealed class HclType
{
    public static readonly HclType Any = new(null);
    public static readonly HclType Text = new(HclKind.Text);
    public static readonly HclType Number = new(HclKind.Number);
    public static readonly HclType Bool = new(HclKind.Bool);

    private HclType(HclKind? kind) => Kind = kind;

    /// <summary>Null for <c>any</c>.</summary>
    public HclKind? Kind { get; }

    public bool IsPrimitive => Kind is HclKind.Text or HclKind.Number or HclKind.Bool;

    /// <summary>The element type of a list, set or map.</summary>
    public HclType Element { get; private init; } = null!;

    public IReadOnlyList<HclType> Elements { get; private init; } = [];

    public IReadOnlyDictionary<string, HclType> Attributes { get; private init; } = new Dictionary<string, HclType>();

    public static HclType Of(HclKind kind, HclType element) => new(kind) { Element = element };

    /// <summary>Reads a type: <c>string</c>, <c>list(string)</c>, <c>object({ a = number })</c>, …</summary>
    public static HclType Parse(HclExpression expression)
    {
        if (expression.Keyword is { } word)
        {
            return word switch
            {
                "any" => Any,
                "string" => Text,
                "number" => Number,
                "bool" => Bool,
                "list" or "set" or "map" or "tuple" or "object" => throw new HclException($"the type '{word}' requires an argument, for example '{word}({(word is "tuple" ? "[string]" : word is "object" ? "{ a = string }" : "string")})'.", expression.Position),
                _ => throw new HclException($"'{word}' is not a type; use string, number, bool, any, list, set, map, tuple and object.", expression.Position),
            };
        }

        if (expression.Template is { } text)
        {
            // In JSON, a type is a string.
            return Parse(HclParser.ParseExpression(new HclSource(expression.Position.File, text), expression.Position));
        }

        if (expression is not HclCallExpression { Arguments: [HclExpression inner] } call)
        {
            throw new HclException("a type must be a word such as string, or one of list(…), set(…), map(…), tuple([…]), object({…}).", expression.Position);
        }

        return call.Name switch
        {
            "list" => Of(HclKind.List, Parse(inner)),
            "set" => Of(HclKind.Set, Parse(inner)),
            "map" => Of(HclKind.Map, Parse(inner)),
            "tuple" when inner is HclTupleExpression tuple => new HclType(HclKind.Tuple) { Elements = [.. tuple.Items.Select(Parse)] },
            "object" when inner is HclObjectExpression entries => new HclType(HclKind.Object)
            {
                Attributes = entries.Items.ToDictionary(
                    static i => i.Key.Keyword ?? i.Key.Template ?? throw new HclException("the name of an attribute must be a word.", i.Key.Position),
                    static i => Parse(i.Value),
                    StringComparer.Ordinal),
            },
            _ => throw new HclException($"'{call.Name}(…)' is not a type, or has invalid arguments.", expression.Position),
        };
    }

    public override string ToString() => Kind switch
    {
        null => "any",
        HclKind.Text => "string",
        HclKind.Number => "number",
        HclKind.Bool => "bool",
        HclKind.Tuple => $"tuple([{string.Join(", ", Elements)}])",
        HclKind.Object => $"object({{{string.Join(", ", Attributes.Select(static a => $"{a.Key}={a.Value}"))}}})",
        { } kind => $"{kind.ToString().ToLowerInvariant()}({Element})",
    };
}
