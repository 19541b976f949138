using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// The engine's report on a finished image as one JSON document, in the form that <c>docker buildx build --metadata-file</c> and
/// <c>buildctl --metadata-file</c> write: the exporter's keys, with base64 JSON values decoded (moby/buildkit, cmd/buildctl/build.go).
/// </summary>
public static class BuildMetadata
{
    /// <summary>Creates the document.</summary>
    public static string ToJson(ImageBuildResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return Of(result).ToJsonString(JsonForm.Indented);
    }

    /// <summary>Creates the document of several builds, as <c>docker buildx bake --metadata-file</c> writes it: an object for each, by its name.</summary>
    public static string ToJson(IEnumerable<KeyValuePair<string, ImageBuildResult>> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        return new JsonObject(results.Select(static r => KeyValuePair.Create(r.Key, (JsonNode?)Of(r.Value)))).ToJsonString(JsonForm.Indented);
    }

    private static JsonObject Of(ImageBuildResult result)
    {
        JsonObject document = [];
        foreach ((string key, string value) in result.ExporterResponse.OrderBy(static p => p.Key, StringComparer.Ordinal))
        {
            document[key] = (JsonNode?)Opened(value) ?? JsonValue.Create(value);
        }

        return document;
    }

    private static JsonObject? Opened(string value)
    {
        byte[] bytes = new byte[value.Length];
        return value.Length > 0 && Convert.TryFromBase64String(value, bytes, out int length) && JsonForm.TryParseObject(bytes.AsSpan(0, length)) is { Count: > 0 } json ? json : null;
    }
}
