using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>The <c>index.json</c> of an OCI layout and the names in it.</summary>
/// <remarks>OCI image specification, image-layout.md.</remarks>
internal static class OciLayoutIndex
{
    /// <summary>The tag or name of a descriptor of an <c>index.json</c>.</summary>
    public const string RefNameAnnotation = "org.opencontainers.image.ref.name";

    /// <summary>The full name, as containerd and BuildKit write it beside the tag.</summary>
    public const string ImageNameAnnotation = "io.containerd.image.name";

    public static string BlobPath(ContentDigest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    public static async Task<IReadOnlyList<ArchivedImage>> ReadAsync(IFileTree tree, CancellationToken cancellationToken)
    {
        string what = $"'index.json' of '{tree.Location}'";
        byte[] layout = await BlobReading.ReadFileAsync(tree, "oci-layout", 64 * 1024, cancellationToken).ConfigureAwait(false);
        string version = OciJson.Read(layout, $"'oci-layout' of '{tree.Location}'", static root => OciJson.GetString(root, "imageLayoutVersion", "oci-layout"));
        if (version != "1.0.0")
        {
            throw new OciFormatException($"'{tree.Location}' is an OCI layout of version '{version}'; only 1.0.0 is supported.");
        }

        byte[] json = await BlobReading.ReadFileAsync(tree, "index.json", OciJson.MaxManifestBytes, cancellationToken).ConfigureAwait(false);
        OciManifest index = OciManifest.Parse(json, OciMediaTypes.Index, what);
        List<ContentDigest> order = new();
        Dictionary<ContentDigest, (OciDescriptor Target, List<string> Names)> names = new();
        foreach (OciDescriptor descriptor in index.Manifests)
        {
            if (!names.TryGetValue(descriptor.Digest, out (OciDescriptor Target, List<string> Names) image))
            {
                names[descriptor.Digest] = image = (descriptor, []);
                order.Add(descriptor.Digest);
            }

            string? name = descriptor.Annotations.GetValueOrDefault(ImageNameAnnotation)
                ?? descriptor.Annotations.GetValueOrDefault(RefNameAnnotation);
            if (!string.IsNullOrEmpty(name) && !image.Names.Contains(name))
            {
                image.Names.Add(name);
            }
        }

        return [.. order.Select(digest => new ArchivedImage(names[digest].Target, names[digest].Names))];
    }
}
