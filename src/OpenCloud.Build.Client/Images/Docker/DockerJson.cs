using System.Text.Json;

namespace OpenCloud.Build.Client.Images.Docker;

/// <summary>
/// Reads values of a Docker Engine's answers. What is missing, of another type, out of range or no Unicode is taken for empty: engines differ in
/// what they tell, and none is to be believed that it keeps to the API.
/// </summary>
internal static class DockerJson
{
    /// <summary>A property, when it is an object's and there.</summary>
    public static JsonElement? Find(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    /// <summary>A text; empty where there is none.</summary>
    public static string Text(JsonElement parent, string name) => Find(parent, name) is { } value ? Text(value) : string.Empty;

    /// <summary>A number; 0 where there is none.</summary>
    public static long Number(JsonElement parent, string name) =>
        Find(parent, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out long number) ? number : 0;

    /// <summary>True when it says so.</summary>
    public static bool Flag(JsonElement parent, string name) => Find(parent, name) is { ValueKind: JsonValueKind.True };

    /// <summary>A time in seconds since 1970; null where there is none that can be one.</summary>
    public static DateTimeOffset? Time(JsonElement parent, string name) =>
        Find(parent, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out long seconds)
            && seconds >= DateTimeOffset.MinValue.ToUnixTimeSeconds() && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    /// <summary>The elements of an array.</summary>
    public static IEnumerable<JsonElement> Items(JsonElement parent, string name) =>
        Find(parent, name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : [];

    /// <summary>The texts of an array.</summary>
    public static List<string> Texts(JsonElement parent, string name) => [.. Items(parent, name).Select(Text).Where(static t => t.Length > 0)];

    /// <summary>The texts of an object.</summary>
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
                    // The name is no Unicode.
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
            // Bytes that are no UTF-8, and halves of surrogates, show only when a string is asked for.
            return string.Empty;
        }
    }
}
