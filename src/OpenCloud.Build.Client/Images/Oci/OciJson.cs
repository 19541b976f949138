using System.Text.Json;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Reads the JSON of indexes, manifests and configurations; all of it is untrusted.</summary>
internal static class OciJson
{
    /// <summary>The largest index or manifest that is read: the limit of registries.</summary>
    public const int MaxManifestBytes = 4 * 1048 * 1048;

    /// <summary>The largest configuration that is read. Long histories make them larger than manifests.</summary>
    public const int MaxConfigBytes = 8 * 1024 * 1024;

    // Parsers differ in how they read a name that appears twice, so it is refused.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <exception cref="OciFormatException">The document is not JSON, not an object, or holds text that is not Unicode.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> json, string what, Func<JsonElement, T> read)
    {
        using JsonDocument document = Parse(json, what);
        try
        {
            return read(document.RootElement);
        }
        catch (InvalidOperationException e)
        {
            // Invalid UTF-8 and unpaired surrogates show only when a string is requested.
            throw new OciFormatException($"{what} contains text that is not valid Unicode.", e);
        }
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> json, string what)
    {
        try
        {
            JsonDocument document = JsonDocument.Parse(json, Options);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            throw new OciFormatException($"{what} is not a JSON object.");
        }
        catch (JsonException e)
        {
            throw new OciFormatException($"{what} is not valid JSON: {e.Message}", e);
        }
    }

    public static string GetString(JsonElement parent, string name, string what)
    {
        if (!TryGet(parent, name, out JsonElement value))
        {
            return string.Empty;
        }

        return value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new OciFormatException($"{what}: '{name}' is not a string.");
    }

    public static Dictionary<string, string> GetMap(JsonElement parent, string name, string what)
    {
        Dictionary<string, string> map = new(StringComparer.Ordinal);
        if (TryGet(parent, name, out JsonElement value))
        {
            if (value.ValueKind != JsonValueKind.Object)
            {
                throw new OciFormatException($"{what}: '{name}' is not an object.");
            }

            foreach (JsonProperty property in value.EnumerateObject())
            {
                map[property.Name] = property.Value.ValueKind == JsonValueKind.String
                    ? property.Value.GetString()!
                    : throw new OciFormatException($"{what}: '{name}.{property.Name}' is not a string.");
            }
        }

        return map;
    }

    public static List<OciDescriptor> GetDescriptors(JsonElement parent, string name, string what)
    {
        List<OciDescriptor> list = new();
        if (TryGet(parent, name, out JsonElement value))
        {
            if (value.ValueKind != JsonValueKind.Array)
            {
                throw new OciFormatException($"{what}: '{name}' is not an array.");
            }

            foreach (JsonElement element in value.EnumerateArray())
            {
                list.Add(ReadDescriptor(element, what));
            }
        }

        return list;
    }

    public static List<string> GetStrings(JsonElement parent, string name, string what)
    {
        List<string> list = new();
        if (TryGet(parent, name, out JsonElement value))
        {
            if (value.ValueKind != JsonValueKind.Array)
            {
                throw new OciFormatException($"{what}: '{name}' is not an array.");
            }

            foreach (JsonElement element in value.EnumerateArray())
            {
                list.Add(element.ValueKind == JsonValueKind.String
                    ? element.GetString()!
                    : throw new OciFormatException($"{what}: '{name}' contains an item that is not a string."));
            }
        }

        return list;
    }

    public static OciDescriptor ReadDescriptor(JsonElement element, string what)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new OciFormatException($"{what}: a descriptor is not an object.");
        }

        string text = GetString(element, "digest", what);
        if (!ContentDigest.TryParse(text, out ContentDigest digest))
        {
            throw new OciFormatException($"{what}: '{text}' is not a digest that this client can verify.");
        }

        if (!TryGet(element, "size", out JsonElement size) || size.ValueKind != JsonValueKind.Number || !size.TryGetInt64(out long length) || length < 0)
        {
            throw new OciFormatException($"{what}: the descriptor of {digest} has no valid size.");
        }

        bool isForPlatform = TryGet(element, "platform", out JsonElement platform) && platform.ValueKind == JsonValueKind.Object;
        return new OciDescriptor(GetString(element, "mediaType", what), digest, length)
        {
            Platform = isForPlatform ? ReadPlatform(platform, what) : null,
            OperatingSystemVersion = isForPlatform ? GetString(platform, "os.version", what) : string.Empty,
            OperatingSystemFeatures = isForPlatform ? GetStrings(platform, "os.features", what) : [],
            ArtifactType = GetString(element, "artifactType", what),
            Annotations = GetMap(element, "annotations", what),
        };
    }

    public static Platform? ReadPlatform(JsonElement element, string what) =>
        element.ValueKind != JsonValueKind.Object
            ? null
            : StatedPlatform.From(
                GetString(element, "os", what),
                GetString(element, "architecture", what),
                GetString(element, "variant", what));

    // Go writes null where a slice or a map is nil.
    public static bool TryGet(JsonElement parent, string name, out JsonElement value) =>
        parent.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
}
