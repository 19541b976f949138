using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Vulnerabilities.Scanners;

/// <summary>One platform of an image, which can be written as an OCI layout of its own.</summary>
internal sealed class PlatformImage
{
    private readonly OpenedImage _image;
    private readonly OciDescriptor _manifest;
    private readonly ImageTree _tree;

    private PlatformImage(OpenedImage image, OciDescriptor manifest, ImageTree tree, Platform? platform)
    {
        _image = image;
        _manifest = manifest;
        _tree = tree;
        Platform = platform;
    }

    public ContentDigest Digest => _manifest.Digest;

    public Platform? Platform { get; }

    /// <summary>The platforms of an image that are present.</summary>
    /// <exception cref="OciFormatException">The image is damaged, or has none of the platforms.</exception>
    public static async Task<IReadOnlyList<PlatformImage>> ListAsync(OpenedImage image, IReadOnlyList<Platform> platforms, CancellationToken cancellationToken)
    {
        List<PlatformImage> found = [];
        ImageTree whole = await ImageTree.ReadAsync(image.Source, image.Target, platforms, cancellationToken).ConfigureAwait(false);
        foreach (OciDescriptor manifest in whole.Nodes.Select(static n => n.Descriptor).Where(static d => OciMediaTypes.IsManifest(d.MediaType) && !d.IsAttestation))
        {
            // A store may have only some of the platforms that an index lists.
            ImageTree tree = await ImageTree.ReadAsync(image.Source, manifest, [], cancellationToken).ConfigureAwait(false);
            if (tree.HasCompleteManifest)
            {
                found.Add(new PlatformImage(image, manifest, tree, manifest.Platform ?? await PlatformOfAsync(image, tree, cancellationToken).ConfigureAwait(false)));
            }
        }

        return found.Count > 0 ? found : throw new OciFormatException($"{image.Source.Location}: the image {image.Target.Digest} has no platform that is complete.");
    }

    /// <summary>Writes the platform as a layout into a new directory.</summary>
    public Task WriteAsync(string directory, CancellationToken cancellationToken) =>
        ImageArchiveWriter.WriteAsync(new DirectoryOutput(directory), [new ImageToWrite(_manifest, [], _tree)], _image.Source, null, cancellationToken);

    /// <summary>Writes the files of the platform as a layout into a new directory, and returns the digest of its manifest.</summary>
    /// <remarks>
    /// The configuration is a new one without the rest of the image's own: a build that starts from an image runs its ONBUILD instructions, and takes
    /// over its user, its directory and its variables (moby/buildkit, frontend/dockerfile/dockerfile2llb/convert.go).
    /// </remarks>
    /// <exception cref="OciFormatException">The image is damaged, or has no configuration.</exception>
    public async Task<ContentDigest> WriteFilesAsync(string directory, CancellationToken cancellationToken)
    {
        string what = $"{_image.Source.Location}: {_manifest.Digest}";
        OciManifest manifest = OciManifest.Parse(_tree.Nodes[^1].Document!.Value, _manifest.MediaType, what);
        if (manifest.Config is not { } stated || !OciMediaTypes.IsConfig(stated.MediaType))
        {
            throw new OciFormatException($"{what} has no configuration of an image.");
        }

        byte[] config = OciJsonWriter.Config(await OciImageConfig.ReadAsync(_image.Source, stated, cancellationToken).ConfigureAwait(false), Platform);
        OciDescriptor bare = new(stated.MediaType, ContentDigest.Of(config), config.Length);
        byte[] document = OciJsonWriter.Manifest(_manifest.MediaType, bare, manifest.Layers.Select(static l => new OciDescriptor(l.MediaType, l.Digest, l.Size)));
        OciDescriptor target = new(_manifest.MediaType, ContentDigest.Of(document), document.Length) { Platform = Platform };
        OverlaySource source = new(new() { [bare.Digest] = config, [target.Digest] = document }, _image.Source);
        ImageTree tree = await ImageTree.ReadAsync(source, target, [], cancellationToken).ConfigureAwait(false);
        await ImageArchiveWriter.WriteAsync(new DirectoryOutput(directory), [new ImageToWrite(target, [], tree)], source, null, cancellationToken).ConfigureAwait(false);
        return target.Digest;
    }

    private static async Task<Platform?> PlatformOfAsync(OpenedImage image, ImageTree tree, CancellationToken cancellationToken)
    {
        if (tree.Nodes.Select(static n => n.Descriptor).FirstOrDefault(static d => OciMediaTypes.IsConfig(d.MediaType)) is not { } config)
        {
            return null;
        }

        return (await OciImageConfig.ReadAsync(image.Source, config, cancellationToken).ConfigureAwait(false)).Platform;
    }
}
