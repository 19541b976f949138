using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

internal static class ImageCompleteness
{
    /// <summary>
    /// Refuses an image without any complete platform, or with a manifest whose contents are missing. Platforms that an index
    /// lists and that were never fetched are left out.
    /// </summary>
    /// <exception cref="OciFormatException">The image is refused; the message names what is missing.</exception>
    public static void Check(ImageTree tree, string name, IReadOnlyList<Platform> platforms)
    {
        if (tree.Missing.Count > 0 && tree.Missing[0].Digest == tree.Target.Digest)
        {
            throw new OciFormatException($"'{name}' is incomplete: its root {tree.Target.Digest} is missing.");
        }

        List<OciDescriptor> gaps = tree.Missing.Where(static m => !OciMediaTypes.IsManifest(m.MediaType) && !OciMediaTypes.IsIndex(m.MediaType) && !OciMediaTypes.IsForeignLayer(m.MediaType)).ToList();
        if (gaps.Count > 0)
        {
            throw new OciFormatException($"'{name}' is incomplete: {gaps.Count} blobs are missing, the first is {gaps[0].Digest} ({gaps[0].MediaType}).");
        }

        if (!tree.HasCompleteManifest)
        {
            throw new OciFormatException(platforms.Count == 0
                ? $"'{name}' has no complete manifest."
                : $"'{name}' has no manifest for {string.Join(", ", platforms)}.");
        }
    }
}
