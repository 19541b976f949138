using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>
/// Writes JSON values as YAML blocks. A text is plain only where YAML 1.1 and 1.2 read nothing else in it; in double quotes, the escapes of JSON
/// are escapes of YAML (YAML 1.2.2, 1.3).
/// </summary>
internal static partial class YamlText
{
    // What YAML 1.1 reads as a boolean or as nothing (yaml.org/type/bool.html); kubectl's reader knows them.
    private static readonly HashSet<string> Words = new(StringComparer.OrdinalIgnoreCase) { "y", "n", "yes", "no", "on", "off", "true", "false", "null" };

    /// <summary>Several documents, each after a line of three dashes except for the first.</summary>
    public static string WriteAll(IEnumerable<JsonObject> documents) => string.Join("---\n", documents.Select(Write));

    public static string Write(JsonObject document)
    {
        StringBuilder text = new();
        WriteMap(text, document, 0);
        return text.ToString();
    }

    private static void WriteMap(StringBuilder text, JsonObject map, int indent, bool isInline = false)
    {
        foreach ((string name, JsonNode? value) in map)
        {
            if (!isInline)
            {
                text.Append(' ', indent);
            }

            isInline = false;
            text.Append(Scalar(name)).Append(':');
            WriteValue(text, value, indent);
        }
    }

    private static void WriteValue(StringBuilder text, JsonNode? value, int indent)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } map:
                text.Append('\n');
                WriteMap(text, map, indent + 2);
                break;
            case JsonArray { Count: > 0 } list:
                text.Append('\n');
                foreach (JsonNode? item in list)
                {
                    text.Append(' ', indent).Append('-');
                    if (item is JsonObject { Count: > 0 } entry)
                    {
                        text.Append(' ');
                        WriteMap(text, entry, indent + 2, isInline: true);
                    }
                    else
                    {
                        WriteValue(text, item, indent + 2);
                    }
                }

                break;
            case JsonValue scalar when scalar.TryGetValue(out string? word):
                text.Append(' ').Append(Scalar(word)).Append('\n');
                break;
            default:
                text.Append(' ').Append(value?.ToJsonString() ?? "null").Append('\n');
                break;
        }
    }

    private static string Scalar(string text) => Plain().IsMatch(text) && !Words.Contains(text) ? text : JsonValue.Create(text).ToJsonString();

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9./_-]*\z")]
    private static partial Regex Plain();
}
