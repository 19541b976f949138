using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>An image in a registry. Its manifests have been read, its other contents have not.</summary>
public sealed class RegistryImage
{
    private readonly ImageTree _tree;
    private readonly RegistryBlobSource _source;
    private readonly IReadOnlyList<Platform> _platforms;
    private readonly int _atOnce;

    internal RegistryImage(ImageReference reference, ImageTree tree, RegistryBlobSource source, IReadOnlyList<Platform> platforms, int atOnce)
    {
        Reference = reference;
        _tree = tree;
        _source = source;
        _platforms = platforms;
        _atOnce = atOnce;
    }

    /// <summary>The reference that it was opened with.</summary>
    public ImageReference Reference { get; }

    /// <summary>The index or manifest.</summary>
    public OciDescriptor Target => _tree.Target;

    /// <summary>The platforms, without attestations.</summary>
    public IReadOnlyList<Platform> Platforms => ImagePush.PlatformsOf(_tree);

    /// <summary>The number of its contents.</summary>
    public int Count => _tree.Nodes.Count;

    /// <summary>The size of all its contents in bytes.</summary>
    public long Size => _tree.Nodes.Sum(static n => n.Descriptor.Size);

    /// <summary>The size of the contents other than manifests in bytes, which progress reports.</summary>
    public long ContentSize => _tree.Nodes.Where(static n => n.Document is null).Sum(static n => n.Descriptor.Size);

    internal IEnumerable<(OciDescriptor Descriptor, string Platform)> Subjects =>
        [.. _tree.Nodes.Where(static n => n.Document is not null && !n.Descriptor.IsAttestation).Select(static n => (n.Descriptor, n.Descriptor.Platform?.ToString() ?? string.Empty))];

    /// <summary>Opens the image for reading.</summary>
    public OpenedImage Open() => new(_tree.Target, _source);

    /// <summary>Verifies that an image without an index has one of the platforms. Reads nothing when there are none.</summary>
    /// <exception cref="OciFormatException">It has another platform, or its configuration is damaged.</exception>
    public Task CheckPlatformAsync(IReadOnlyList<Platform> platforms, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(platforms);
        return ImageCompleteness.CheckPlatformAsync(_source, _tree, Reference.ToString(), platforms, cancellationToken);
    }

    /// <summary>Writes it as an OCI layout that docker can load, too.</summary>
    /// <param name="output">The destination.</param>
    /// <param name="names">The names of the image in the layout.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    public Task WriteAsync(IArchiveOutput output, IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        ImageArchiveWriter.WriteAsync(output, [new ImageToWrite(_tree.Target, names, _tree)], _source, null, cancellationToken);

    /// <summary>Imports it into a store: several contents at the same time, and only those that the store lacks.</summary>
    /// <param name="store">The store.</param>
    /// <param name="namespace">The containerd namespace.</param>
    /// <param name="names">The names of the image in the store.</param>
    /// <param name="cancellationToken">Cancels the import; no name is created then.</param>
    public async Task<ImageImportResult> ImportAsync(IImageStore store, string @namespace, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ImageImportOptions options = new(_platforms, false, null) { AtOnce = _atOnce, Origin = (Reference.Domain, Reference.Path) };
        if (store.HasNamespaces)
        {
            return await store.ImportAsync(@namespace, _source, _tree.Target, names, options, cancellationToken).ConfigureAwait(false);
        }

        // A Docker Engine's store reads each content twice.
        using SpoolingSource spool = new(_source);
        return await store.ImportAsync(@namespace, spool, _tree.Target, names, options, cancellationToken).ConfigureAwait(false);
    }
}
