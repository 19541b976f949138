using System.Globalization;
using System.Text.Json;

namespace OpenCloud.Build.Client.Text;

/// <summary>Reads members of untrusted JSON; those that are missing or of another kind count as empty.</summary>
internal static class LenientJson
{
    private const int Longest = 200;

    public static string Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : string.Empty;

    public static string? TextOrNull(JsonElement parent, string name) => Text(parent, name) is { Length: > 0 } text ? text : null;

    public static double? Number(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) ? number : null;

    public static JsonElement Object(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Object ? value : default;

    public static IEnumerable<JsonElement> Items(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    public static IEnumerable<string> Texts(JsonElement parent, string name) =>
        Items(parent, name).Where(static t => t.ValueKind == JsonValueKind.String).Select(static t => t.GetString()!);

    public static DateTimeOffset? Time(JsonElement parent, string name) =>
        DateTimeOffset.TryParse(Text(parent, name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;

    /// <summary>The first line of a text.</summary>
    public static string Line(string text)
    {
        string line = text.TrimStart().Split('\n', 2)[0].TrimEnd();
        return line.Length <= Longest ? line : $"{TerminalText.Start(line, Longest)}…";
    }
}
