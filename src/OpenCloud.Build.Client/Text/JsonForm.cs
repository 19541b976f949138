using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OpenCloud.Build.Client.Text;

/// <summary>
/// The JSON format of files for other tools and people: the "+" of a media type is written as is, not as the escape that
/// the default encoder writes for web pages.
/// </summary>
internal static class JsonForm
{
    private static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    public static readonly JsonSerializerOptions Compact = new() { Encoder = Encoder };

    public static readonly JsonSerializerOptions Indented = new() { Encoder = Encoder, WriteIndented = true };

    public static readonly JsonWriterOptions Writer = new() { Encoder = Encoder };

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <summary>Parses an object from another tool, to be changed and written again; null when it is not an object.</summary>
    public static JsonObject? TryParseObject(ReadOnlySpan<byte> json)
    {
        try
        {
            // Nodes decode strings and names lazily: invalid text must fail here and not later.
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = Strict.MaxDepth });
            while (reader.Read())
            {
                _ = reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName ? reader.GetString() : null;
            }

            return JsonNode.Parse(json, null, Strict) as JsonObject;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    public static string? Text(JsonNode? node, string name) =>
        node is JsonObject parent && parent[name] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
