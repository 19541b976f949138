using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

internal static class ImageCompleteness
{
    /// <summary>
    /// The one rule: an image is complete when each manifest that is present has its contents, and one of a platform is complete. A platform
    /// that an index lists and that nobody fetched or sent is no damage, as long as another one is complete.
    /// </summary>
    /// <param name="hasCompletePlatform">Whether a manifest of a platform is there with its contents.</param>
    /// <param name="contents">What is missing of manifests that are present.</param>
    /// <param name="manifests">The manifests and indexes that are listed and missing.</param>
    /// <returns>What the image misses, by that rule; nothing for a complete one.</returns>
    public static IReadOnlyList<string> Missing(bool hasCompletePlatform, IEnumerable<ContentDigest> contents, IEnumerable<ContentDigest> manifests) =>
        [.. contents.Concat(hasCompletePlatform ? [] : manifests).Select(static d => d.ToString())];

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

    /// <summary>Refuses an image without an index that has none of the platforms: only its configuration states its platform.</summary>
    /// <exception cref="OciFormatException">The image is refused, or its configuration is damaged.</exception>
    public static async Task CheckPlatformAsync(IBlobSource source, ImageTree tree, string name, IReadOnlyList<Platform> platforms, CancellationToken cancellationToken)
    {
        ImageTreeNode root = tree.Nodes[^1];
        if (platforms.Count == 0 || root.Document is not { } document || !OciMediaTypes.IsManifest(root.Descriptor.MediaType))
        {
            return;
        }

        OciManifest manifest = OciManifest.Parse(document, root.Descriptor.MediaType, $"{source.Location}: {root.Descriptor.Digest}");
        if (manifest.Config is not { } config || !OciMediaTypes.IsConfig(config.MediaType))
        {
            return;
        }

        OciImageConfig stated = await OciImageConfig.ReadAsync(source, config, cancellationToken).ConfigureAwait(false);
        if (stated.Platform is { } platform && !platforms.Any(platform.Matches))
        {
            throw new OciFormatException($"'{name}' has no manifest for {string.Join(", ", platforms)}: it is an image for {platform} only.");
        }
    }
}
