using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OpenCloud.Build.Client.Text;

/// <summary>
/// How JSON is written into files that other tools and people read: the "+" of a media type as itself, not as the escape that
/// the default encoder makes of it for the sake of web pages.
/// </summary>
internal static class JsonForm
{
    private static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>On one line, of a node.</summary>
    public static readonly JsonSerializerOptions Compact = new() { Encoder = Encoder };

    /// <summary>For reading, of a node.</summary>
    public static readonly JsonSerializerOptions Indented = new() { Encoder = Encoder, WriteIndented = true };

    /// <summary>On one line, by a writer.</summary>
    public static readonly JsonWriterOptions Writer = new() { Encoder = Encoder };

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <summary>Reads an object of others' that is changed and written again; null when it is none.</summary>
    public static JsonObject? TryParseObject(ReadOnlySpan<byte> json)
    {
        try
        {
            if (JsonNode.Parse(json, null, Strict) is not JsonObject node)
            {
                return null;
            }

            // Nodes are made and strings are decoded when they are asked for; what is no text shows here and not in the middle of something.
            _ = node.ToJsonString(Compact);
            return node;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>A text of an object, or null.</summary>
    public static string? Text(JsonNode? node, string name) =>
        node is JsonObject parent && parent[name] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
