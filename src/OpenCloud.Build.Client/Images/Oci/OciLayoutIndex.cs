using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>The <c>index.json</c> of an OCI layout and the names in it.</summary>
/// <remarks>OCI image specification, image-layout.md.</remarks>
internal static class OciLayoutIndex
{
    /// <summary>The tag or name of a descriptor of an <c>index.json</c>.</summary>
    public const string RefNameAnnotation = "org.opencontainers.image.ref.name";

    /// <summary>The whole name, as containerd and BuildKit write it beside the tag.</summary>
    public const string ImageNameAnnotation = "io.containerd.image.name";

    public static string BlobPath(ContentDigest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    public static async Task<IReadOnlyList<ArchivedImage>> ReadAsync(IFileTree tree, CancellationToken cancellation)
    {
        var what = $"'index.json' of '{tree.Location}'";
        var layout = await BlobReading.ReadFileAsync(tree, "oci-layout", 64 * 1024, cancellation).ConfigureAwait(false);
        var version = OciJson.Read(layout, $"'oci-layout' of '{tree.Location}'", static root => OciJson.GetString(root, "imageLayoutVersion", "oci-layout"));
        if (version != "1.0.0")
        {
            throw new OciFormatException($"'{tree.Location}' is an OCI layout of version '{version}'; 1.0.0 is read.");
        }

        var json = await BlobReading.ReadFileAsync(tree, "index.json", OciJson.MaxManifestBytes, cancellation).ConfigureAwait(false);
        var index = OciManifest.Parse(json, OciMediaTypes.Index, what);
        var order = new List<ContentDigest>();
        var names = new Dictionary<ContentDigest, (OciDescriptor Target, List<string> Names)>();
        foreach (var descriptor in index.Manifests)
        {
            if (!names.TryGetValue(descriptor.Digest, out var image))
            {
                names[descriptor.Digest] = image = (descriptor, []);
                order.Add(descriptor.Digest);
            }

            var name = descriptor.Annotations.GetValueOrDefault(ImageNameAnnotation)
                ?? descriptor.Annotations.GetValueOrDefault(RefNameAnnotation);
            if (!string.IsNullOrEmpty(name) && !image.Names.Contains(name))
            {
                image.Names.Add(name);
            }
        }

        return [.. order.Select(digest => new ArchivedImage(names[digest].Target, names[digest].Names))];
    }
}
