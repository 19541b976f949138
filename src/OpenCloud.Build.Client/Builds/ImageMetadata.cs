using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Builds;

/// <summary>Annotations and timestamps of an image, as attributes of the image exporters.</summary>
internal static class ImageMetadata
{
    private static readonly HashSet<string> ImageExporters = new(StringComparer.Ordinal) { "image", "moby", "oci", "docker" };

    /// <exception cref="ArgumentException">An annotation has no document to apply to.</exception>
    public static void Check(ImageBuildRequest build)
    {
        if (build.Platforms.Count <= 1 && build.Attestations.Count == 0 && build.Annotations.FirstOrDefault(static a => a.NeedsIndex) is { } annotation)
        {
            throw new ArgumentException(
                $"The annotation '{annotation.Key}' is for the image index, but an image for one platform without attestations does not have an index.", nameof(build));
        }
    }

    /// <summary>Adds the attributes to an image exporter; other exporters have none of them.</summary>
    public static void AddTo(Exporter exporter, ImageBuildRequest build)
    {
        if (!ImageExporters.Contains(exporter.Type))
        {
            return;
        }

        foreach (ImageAnnotation annotation in build.Annotations)
        {
            exporter.Attrs[annotation.ToAttribute()] = annotation.Value;
        }

        if (build.SourceDate is not { RewriteTimestamps: true })
        {
            return;
        }

        exporter.Attrs["rewrite-timestamp"] = "true";
        exporter.Attrs.Remove("unpack");
        if (exporter.Type == "moby")
        {
            // The Docker Engine's own exporter always unpacks, which excludes rewriting. This one writes to the same store, and the engine unpacks
            // when the image is first used.
            exporter.Type = "image";
        }
    }
}
