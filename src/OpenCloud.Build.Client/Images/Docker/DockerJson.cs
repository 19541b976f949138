using System.Text.Json;

namespace OpenCloud.Build.Client.Images.Docker;

/// <summary>
/// Reads values of a Docker Engine's answers. A value that is missing, of another type, out of range or not Unicode counts as empty: engines differ
/// in what they report, and none is trusted to keep to the API.
/// </summary>
internal static class DockerJson
{
    /// <summary>A property; null when it is missing or the parent is no object.</summary>
    public static JsonElement? Find(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    public static string Text(JsonElement parent, string name) => Find(parent, name) is { } value ? Text(value) : string.Empty;

    public static long Number(JsonElement parent, string name) =>
        Find(parent, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out long number) ? number : 0;

    public static bool Flag(JsonElement parent, string name) => Find(parent, name) is { ValueKind: JsonValueKind.True };

    /// <summary>A time in seconds since 1970; null when missing or out of range.</summary>
    public static DateTimeOffset? Time(JsonElement parent, string name) =>
        Find(parent, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out long seconds)
            && seconds >= DateTimeOffset.MinValue.ToUnixTimeSeconds() && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    public static IEnumerable<JsonElement> Items(JsonElement parent, string name) =>
        Find(parent, name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : [];

    public static List<string> Texts(JsonElement parent, string name) => [.. Items(parent, name).Select(Text).Where(static t => t.Length > 0)];

    public static Dictionary<string, string> Map(JsonElement parent, string name)
    {
        Dictionary<string, string> map = new(StringComparer.Ordinal);
        if (Find(parent, name) is { ValueKind: JsonValueKind.Object } value)
        {
            foreach (JsonProperty property in value.EnumerateObject())
            {
                try
                {
                    map[property.Name] = Text(property.Value);
                }
                catch (InvalidOperationException)
                {
                    // The name is not Unicode.
                }
            }
        }

        return map;
    }

    private static string Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : string.Empty;
        }
        catch (InvalidOperationException)
        {
            // Invalid UTF-8 and unpaired surrogates show only when a string is requested.
            return string.Empty;
        }
    }
}
