using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>Reads the answers to subrequests. What is missing or of another type is taken for empty: frontends differ in what they tell.</summary>
internal static class SubrequestJson
{
    /// <summary>A string, or null.</summary>
    public static string? Text(JsonElement json, string name)
    {
        try
        {
            return TryGet(json, name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? TerminalText.Plain(text) : null;
        }
        catch (InvalidOperationException)
        {
            // Its bytes are no UTF-8, which the parser only finds when a string is made of them.
            return null;
        }
    }

    /// <summary>True when it says so.</summary>
    public static bool Flag(JsonElement json, string name) => TryGet(json, name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    /// <summary>The objects of an array.</summary>
    public static IEnumerable<JsonElement> Items(JsonElement json, string name)
        => TryGet(json, name, out JsonElement value) && value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray().Where(static i => i.ValueKind == JsonValueKind.Object)
            : [];

    /// <summary>The first and last line of the property <c>location</c>, and the source they are in (-1 for none).</summary>
    public static (int? Line, int? EndLine, int Source) Location(JsonElement json)
    {
        if (!TryGet(json, "location", out JsonElement location) || location.ValueKind != JsonValueKind.Object)
        {
            return (null, null, -1);
        }

        // Go leaves a zero out, and the first source is the zeroth.
        int source = location.TryGetProperty("sourceIndex", out JsonElement index) && index.ValueKind == JsonValueKind.Number && index.TryGetInt32(out int number) ? number : 0;
        int? first = null;
        int? last = null;
        foreach (JsonElement range in Items(location, "ranges"))
        {
            if (Line(range, "start") is { } start)
            {
                first = Math.Min(first ?? start, start);
                last = Math.Max(last ?? start, Line(range, "end") ?? start);
            }
        }

        return (first, last, source);
    }

    /// <summary>A property, when it is an object's and there.</summary>
    public static bool TryGet(JsonElement json, string name, out JsonElement value)
    {
        value = default;
        return json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out value);
    }

    private static int? Line(JsonElement range, string name)
        => range.TryGetProperty(name, out JsonElement position) && position.ValueKind == JsonValueKind.Object
            && position.TryGetProperty("line", out JsonElement line) && line.ValueKind == JsonValueKind.Number && line.TryGetInt32(out int number) && number > 0
            ? number
            : null;
}
