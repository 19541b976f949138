using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>Reads the answers to subrequests. A missing property, or one of another type, counts as empty: frontends differ in what they report.</summary>
internal static class SubrequestJson
{
    public static string? Text(JsonElement json, string name)
    {
        try
        {
            return TryGet(json, name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? TerminalText.Plain(text) : null;
        }
        catch (InvalidOperationException)
        {
            // The bytes are invalid UTF-8, which the parser detects only when it creates the string.
            return null;
        }
    }

    public static bool Flag(JsonElement json, string name) => TryGet(json, name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

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

        // Go omits a zero, and the first source has index 0.
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
