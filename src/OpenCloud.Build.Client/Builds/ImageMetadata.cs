using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Builds;

/// <summary>What a build wants said about its image beside what is in it: annotations and times, in the words of the image exporters.</summary>
internal static class ImageMetadata
{
    private static readonly HashSet<string> ImageExporters = new(StringComparer.Ordinal) { "image", "moby", "oci", "docker" };

    /// <summary>Refuses what no engine can do.</summary>
    /// <exception cref="ArgumentException">An annotation has no document to stand in.</exception>
    public static void Check(ImageBuildRequest build)
    {
        if (build.Platforms.Count <= 1 && build.Attestations.Count == 0 && build.Annotations.FirstOrDefault(static a => a.NeedsIndex) is { } annotation)
        {
            throw new ArgumentException(
                $"The annotation '{annotation.Key}' is for the image's index, and an image for one platform without attestations has none.", nameof(build));
        }
    }

    /// <summary>Adds the attributes to an exporter of images; others take none of them.</summary>
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
            // The Docker Engine's own exporter always unpacks, which does not go with rewriting. This one writes to the same store, and
            // the engine unpacks when the image is first used.
            exporter.Type = "image";
        }
    }
}
