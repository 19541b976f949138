using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Writes descriptors, manifests and indexes as JSON, in the order of fields that Go writes them in.</summary>
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
            writer.WriteString("architecture", platform.Architecture);
            writer.WriteString("os", platform.OperatingSystem);
            if (descriptor.OperatingSystemVersion.Length > 0)
            {
                writer.WriteString("os.version", descriptor.OperatingSystemVersion);
            }

            if (descriptor.OperatingSystemFeatures.Count > 0)
            {
                writer.WriteStartArray("os.features");
                foreach (string feature in descriptor.OperatingSystemFeatures)
                {
                    writer.WriteStringValue(feature);
                }

                writer.WriteEndArray();
            }

            if (platform.Variant.Length > 0)
            {
                writer.WriteString("variant", platform.Variant);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
