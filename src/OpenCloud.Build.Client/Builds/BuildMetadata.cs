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
        JsonObject document = [];
        foreach ((string key, string value) in result.ExporterResponse.OrderBy(static p => p.Key, StringComparer.Ordinal))
        {
            document[key] = (JsonNode?)Opened(value) ?? JsonValue.Create(value);
        }

        return document.ToJsonString(JsonForm.Indented);
    }

    private static JsonObject? Opened(string value)
    {
        byte[] bytes = new byte[value.Length];
        return value.Length > 0 && Convert.TryFromBase64String(value, bytes, out int length) && JsonForm.TryParseObject(bytes.AsSpan(0, length)) is { Count: > 0 } json ? json : null;
    }
}
