using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>An image of a registry, whose manifests are here and whose other contents are not yet.</summary>
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

    /// <summary>The reference by which it was opened.</summary>
    public ImageReference Reference { get; }

    /// <summary>The index or manifest.</summary>
    public OciDescriptor Target => _tree.Target;

    /// <summary>The platforms, without attestations.</summary>
    public IReadOnlyList<Platform> Platforms => ImagePush.PlatformsOf(_tree);

    /// <summary>The number of its contents.</summary>
    public int Count => _tree.Nodes.Count;

    /// <summary>The bytes of all its contents.</summary>
    public long Size => _tree.Nodes.Sum(static n => n.Descriptor.Size);

    /// <summary>The bytes of the contents that are not manifests, which progress reports.</summary>
    public long ContentSize => _tree.Nodes.Where(static n => n.Document is null).Sum(static n => n.Descriptor.Size);

    /// <summary>The index, and each manifest of a platform.</summary>
    internal IEnumerable<(OciDescriptor Descriptor, string Platform)> Subjects =>
        [.. _tree.Nodes.Where(static n => n.Document is not null && !n.Descriptor.IsAttestation).Select(static n => (n.Descriptor, n.Descriptor.Platform?.ToString() ?? string.Empty))];

    /// <summary>The image for those that read images.</summary>
    public OpenedImage Open() => new(_tree.Target, _source);

    /// <summary>Finds out that an image without an index is of one of some platforms; without any platform, nothing is read.</summary>
    /// <exception cref="OciFormatException">It is of another platform, or its configuration is damaged.</exception>
    public Task CheckPlatformAsync(IReadOnlyList<Platform> platforms, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(platforms);
        return ImageCompleteness.CheckPlatformAsync(_source, _tree, Reference.ToString(), platforms, cancellationToken);
    }

    /// <summary>Writes it as an OCI layout that docker loads too.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="names">The names that it gets there.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    public Task WriteAsync(IArchiveOutput output, IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        ImageArchiveWriter.WriteAsync(output, [new ImageToWrite(_tree.Target, names, _tree)], _source, null, cancellationToken);

    /// <summary>Imports it into a store: several contents at the same time, and only what the store lacks.</summary>
    /// <param name="store">The store.</param>
    /// <param name="namespace">The namespace of containerd.</param>
    /// <param name="names">The names that it gets there.</param>
    /// <param name="cancellationToken">Ends the import; nothing has a name then.</param>
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
