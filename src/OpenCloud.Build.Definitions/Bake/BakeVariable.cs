using System.Globalization;
using System.Text.Json;
using OpenCloud.Build.Definitions.Hcl;

namespace OpenCloud.Build.Definitions.Bake;

internal sealed class BakeVariable
{
    private BakeVariable(string name, HclPosition position)
    {
        Name = name;
        Position = position;
    }

    public string Name { get; }

    public HclPosition Position { get; }

    public HclType? Type { get; private set; }

    public HclAttribute? Default { get; private set; }

    public List<(HclExpression Condition, HclExpression Message)> Validations { get; } = [];

    public static BakeVariable Read(HclBlock block)
    {
        string name = block.Labels is [string label] ? label : throw new HclException("a variable must have one name.", block.Position);
        BakeVariable variable = new(name, block.Position);
        foreach (HclAttribute attribute in block.Body.Attributes)
        {
            switch (attribute.Name)
            {
                case "default":
                    variable.Default = attribute;
                    break;
                case "type":
                    variable.Type = attribute.Value is HclLiteralExpression { Value.IsNull: true } ? null : HclType.Parse(attribute.Value);
                    break;
                case "description":
                    break;
                default:
                    throw new HclException($"'{attribute.Name}' is not a field of a variable; use default, type, description or validation.", attribute.Position);
            }
        }

        foreach (HclBlock inner in block.Body.Blocks)
        {
            if (inner.Type != "validation" || inner.Labels.Count > 0)
            {
                throw new HclException($"'{inner.Type}' is not a field of a variable; use default, type, description or validation.", inner.Position);
            }

            variable.Validations.Add((Part(inner, "condition"), Part(inner, "error_message")));
        }

        return variable;
    }

    /// <summary>Parses a value from the command or the environment; without a type, the default's kind decides.</summary>
    public HclValue FromText(string text, HclValue? given)
    {
        if (Type is { } type)
        {
            return type.Kind switch
            {
                HclKind.List or HclKind.Set or HclKind.Map or HclKind.Tuple => FromCsv(text, type),
                HclKind.Object or null => throw Refuse($"a value of the type {type} must be JSON, in {Name}_JSON."),
                _ => Primitive(text, type),
            };
        }

        return given is null || given.IsNull ? HclValue.From(text) : given.Kind switch
        {
            HclKind.Text => HclValue.From(text),
            HclKind.Number => Primitive(text, HclType.Number),
            HclKind.Bool => Primitive(text, HclType.Bool),
            _ => throw Refuse($"its default is {HclConversion.Name(given)}; with a type, as in 'type = list(string)', a value can be given from outside."),
        };
    }

    /// <summary>Parses a JSON value from the command or the environment.</summary>
    public HclValue FromJson(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 100 });
            return HclConversion.To(Read(document.RootElement), Type!, Position);
        }
        catch (JsonException exception)
        {
            throw new HclException($"the variable '{Name}': the value of {Name}_JSON is not valid JSON.", Position, exception);
        }

        HclValue Read(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Object => HclValue.Object(element.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, Read(p.Value)))),
            JsonValueKind.Array => HclValue.Tuple(element.EnumerateArray().Select(Read)),
            JsonValueKind.String => HclValue.From(element.GetString()!),
            JsonValueKind.Number => HclValue.From(HclConversion.ParseNumber(element.GetRawText()) ?? throw Refuse("a number is too large.")),
            JsonValueKind.True => HclValue.True,
            JsonValueKind.False => HclValue.False,
            _ => HclValue.Null,
        };
    }

    private static HclExpression Part(HclBlock block, string name) =>
        block.Body.Attribute(name)?.Value ?? throw new HclException($"a validation requires '{name}'.", block.Position);

    private HclException Refuse(string message) => new($"the variable '{Name}': {message}", Position);

    private HclValue Primitive(string text, HclType type)
    {
        if (type.Kind == HclKind.Text)
        {
            return HclValue.From(text);
        }

        if (type.Kind == HclKind.Number)
        {
            return HclValue.From(HclConversion.ParseNumber(text) ?? throw Refuse($"'{text}' is not a number."));
        }

        try
        {
            return HclValue.From(BakeEntry.ParseBool(text, Name));
        }
        catch (FormatException exception)
        {
            throw new HclException($"the variable '{Name}': {exception.Message}", Position, exception);
        }
    }

    private HclValue FromCsv(string text, HclType type)
    {
        IReadOnlyList<string> fields = CsvText.Fields(text) ?? throw Refuse("a quote in its value is not closed.");
        IReadOnlyList<HclType> types = type.Kind == HclKind.Tuple ? type.Elements : [.. fields.Select(_ => type.Element)];
        if (!types.All(static t => t.IsPrimitive))
        {
            throw Refuse($"a value of the type {type} must be JSON, in {Name}_JSON.");
        }

        if (types.Count != fields.Count)
        {
            throw Refuse(string.Create(CultureInfo.InvariantCulture, $"{type} has {types.Count} elements, but got {fields.Count}."));
        }

        return type.Kind switch
        {
            HclKind.Map => HclValue.Map(fields.Select(f => CsvText.Fields(f, ':') is [string key, string value]
                ? KeyValuePair.Create(key, Primitive(value, type.Element))
                : throw Refuse($"'{f}' is not in the form 'key:value'."))),
            HclKind.Set => HclValue.Set(fields.Select(f => Primitive(f, type.Element))),
            HclKind.Tuple => HclValue.Tuple(fields.Zip(types, Primitive)),
            _ => HclValue.List(fields.Select(f => Primitive(f, type.Element))),
        };
    }
}
