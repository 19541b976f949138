using System.Globalization;

namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>Converts values: primitives to and from strings, tuples and objects to lists, sets and maps.</summary>
internal static class HclConversion
{
    private const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>Null when the text is not a number, or is too large for a decimal.</summary>
    public static decimal? ParseNumber(string text) => decimal.TryParse(text, Styles, CultureInfo.InvariantCulture, out decimal number) ? number : null;

    public static string ToText(HclValue value, HclPosition position) => TryText(value)
        ?? throw new HclException($"a string is required, but this is {Name(value)}.", position);

    public static string? TryText(HclValue value) => value.Kind switch
    {
        HclKind.Text => value.Text,
        HclKind.Number => HclValue.NumberText(value.Number),
        HclKind.Bool => value.Boolean ? "true" : "false",
        _ => null,
    };

    public static decimal ToNumber(HclValue value, HclPosition position) => value.Kind switch
    {
        HclKind.Number => value.Number,
        HclKind.Text when ParseNumber(value.Text) is { } number => number,
        HclKind.Text => throw new HclException($"a number is required, but '{value.Text}' is not a number.", position),
        _ => throw new HclException($"a number is required, but this is {Name(value)}.", position),
    };

    public static bool ToBool(HclValue value, HclPosition position) => value.Kind switch
    {
        HclKind.Bool => value.Boolean,
        HclKind.Text when value.Text is "true" or "1" => true,
        HclKind.Text when value.Text is "false" or "0" => false,
        _ => throw new HclException($"true or false is required, but this is {Name(value)}.", position),
    };

    /// <summary>Requires a whole number that fits an int.</summary>
    public static int ToInteger(HclValue value, HclPosition position)
    {
        decimal number = ToNumber(value, position);
        return number == decimal.Truncate(number) && Math.Abs(number) <= int.MaxValue
            ? (int)number
            : throw new HclException($"a whole number is required, but this is {HclValue.NumberText(number)}.", position);
    }

    public static IReadOnlyList<HclValue> ToItems(HclValue value, HclPosition position) => value.IsSequence
        ? value.Items
        : throw new HclException($"a list is required, but this is {Name(value)}.", position);

    public static IReadOnlyDictionary<string, HclValue> ToEntries(HclValue value, HclPosition position) => value.IsMapping
        ? value.Entries
        : throw new HclException($"a map is required, but this is {Name(value)}.", position);

    /// <summary>Converts a value to a type. Null stays null.</summary>
    public static HclValue To(HclValue value, HclType type, HclPosition position)
    {
        if (type.Kind is null || value.IsNull)
        {
            return value;
        }

        switch (type.Kind)
        {
            case HclKind.Text:
                return HclValue.From(ToText(value, position));
            case HclKind.Number:
                return HclValue.From(ToNumber(value, position));
            case HclKind.Bool:
                return HclValue.From(ToBool(value, position));
            case HclKind.List when value.IsSequence:
                return HclValue.List(ToItems(value, position).Select(i => To(i, type.Element, position)));
            case HclKind.Set when value.IsSequence:
                return HclValue.Set(ToItems(value, position).Select(i => To(i, type.Element, position)));
            case HclKind.Map when value.IsMapping:
                return HclValue.Map(value.Entries.Select(e => KeyValuePair.Create(e.Key, To(e.Value, type.Element, position))));
            case HclKind.Tuple when value.IsSequence && value.Count == type.Elements.Count:
                return HclValue.Tuple(value.Items.Zip(type.Elements).Select(p => To(p.First, p.Second, position)));
            case HclKind.Object when value.IsMapping:
                return HclValue.Object(type.Attributes.Select(a => KeyValuePair.Create(
                    a.Key,
                    value.Entries.TryGetValue(a.Key, out HclValue? entry) ? To(entry, a.Value, position) : throw new HclException($"the attribute '{a.Key}' of {type} is missing.", position))));
            default:
                throw new HclException($"{type} is required, but this is {Name(value)}.", position);
        }
    }

    /// <summary>Both values as one type, as a conditional requires; null when there is no common type.</summary>
    public static (HclValue First, HclValue Second)? Unify(HclValue first, HclValue second)
    {
        if (first.IsNull || second.IsNull || first.Kind == second.Kind || (first.IsSequence && second.IsSequence) || (first.IsMapping && second.IsMapping))
        {
            return (first, second);
        }

        return first.IsPrimitive && second.IsPrimitive && (first.Kind == HclKind.Text || second.Kind == HclKind.Text)
            ? (HclValue.From(TryText(first)!), HclValue.From(TryText(second)!))
            : null;
    }

    public static string Name(HclValue value) => value.IsNull ? "null" : $"{(value.Kind is HclKind.Object ? "an" : "a")} {value.KindName}";
}
