using System.Text.Json;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Writes descriptors, configurations, manifests and indexes as JSON, in the order of fields that Go writes them in.</summary>
internal static class OciJsonWriter
{
    /// <summary>The bytes of an index.</summary>
    public static byte[] Index(IEnumerable<OciDescriptor> manifests)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, JsonForm.Writer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("schemaVersion", 2);
            writer.WriteString("mediaType", OciMediaTypes.Index);
            writer.WriteStartArray("manifests");
            foreach (OciDescriptor manifest in manifests)
            {
                Write(writer, manifest);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>The bytes of a manifest.</summary>
    public static byte[] Manifest(string mediaType, OciDescriptor config, IEnumerable<OciDescriptor> layers)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, JsonForm.Writer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("schemaVersion", 2);
            writer.WriteString("mediaType", mediaType);
            writer.WritePropertyName("config");
            Write(writer, config);
            writer.WriteStartArray("layers");
            foreach (OciDescriptor layer in layers)
            {
                Write(writer, layer);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>The bytes of a configuration that states the platform and the layers alone.</summary>
    public static byte[] Config(OciImageConfig config, Platform? platform)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, JsonForm.Writer))
        {
            writer.WriteStartObject();
            if (platform is not null)
            {
                WritePlatform(writer, platform, config.OperatingSystemVersion, config.OperatingSystemFeatures);
            }

            writer.WriteStartObject("rootfs");
            writer.WriteString("type", "layers");
            writer.WriteStartArray("diff_ids");
            foreach (ContentDigest diffId in config.DiffIds)
            {
                writer.WriteStringValue(diffId.ToString());
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    public static void Write(Utf8JsonWriter writer, OciDescriptor descriptor)
    {
        writer.WriteStartObject();
        writer.WriteString("mediaType", descriptor.MediaType);
        writer.WriteString("digest", descriptor.Digest.ToString());
        writer.WriteNumber("size", descriptor.Size);
        if (descriptor.ArtifactType.Length > 0)
        {
            writer.WriteString("artifactType", descriptor.ArtifactType);
        }

        if (descriptor.Annotations.Count > 0)
        {
            writer.WriteStartObject("annotations");
            foreach ((string? key, string? value) in descriptor.Annotations.OrderBy(static pair => pair.Key, StringComparer.Ordinal))
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
        }

        if (descriptor.Platform is { } platform)
        {
            writer.WriteStartObject("platform");
            WritePlatform(writer, platform, descriptor.OperatingSystemVersion, descriptor.OperatingSystemFeatures);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WritePlatform(Utf8JsonWriter writer, Platform platform, string version, IReadOnlyList<string> features)
    {
        writer.WriteString("architecture", platform.Architecture);
        writer.WriteString("os", platform.OperatingSystem);
        if (version.Length > 0)
        {
            writer.WriteString("os.version", version);
        }

        if (features.Count > 0)
        {
            writer.WriteStartArray("os.features");
            foreach (string feature in features)
            {
                writer.WriteStringValue(feature);
            }

            writer.WriteEndArray();
        }

        if (platform.Variant.Length > 0)
        {
            writer.WriteString("variant", platform.Variant);
        }
    }
}
