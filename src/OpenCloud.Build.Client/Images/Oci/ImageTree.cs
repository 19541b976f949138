using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>A content and what it refers to, in its own order. <c>Document</c> has the bytes of an index or manifest, null for others.</summary>
internal sealed record ImageTreeNode(OciDescriptor Descriptor, IReadOnlyList<OciDescriptor> Children, ReadOnlyMemory<byte>? Document);

/// <summary>The contents of an image, each once and after all that it refers to.</summary>
internal sealed class ImageTree
{
    // An index may list indexes; nobody nests them deeper than this on purpose.
    private const int MaxDepth = 4;
    private const int MaxNodes = 100_000;

    private readonly List<ImageTreeNode> _nodes = [];
    private readonly List<OciDescriptor> _missing = [];
    private readonly HashSet<ContentDigest> _seen = [];

    private ImageTree(OciDescriptor target) => Target = target;

    public OciDescriptor Target { get; }

    /// <summary>The contents that are present, children before parents.</summary>
    public IReadOnlyList<ImageTreeNode> Nodes => _nodes;

    public IReadOnlyList<OciDescriptor> Missing => _missing;

    /// <summary>Whether the image is usable for at least one platform: a manifest is present with all that it refers to.</summary>
    public bool HasCompleteManifest { get; private set; }

    /// <summary>Walks an image; of an index only the given platforms, or all when none are given.</summary>
    /// <exception cref="OciFormatException">A document is damaged, too large or nested too deep.</exception>
    public static async Task<ImageTree> ReadAsync(IBlobSource source, OciDescriptor target, IReadOnlyList<Platform> platforms, CancellationToken cancellationToken)
    {
        ImageTree tree = new(target);
        await tree.AddAsync(source, target, platforms, 0, cancellationToken).ConfigureAwait(false);
        return tree;
    }

    /// <summary>The manifests of an index for the given platforms, with their attestations.</summary>
    public static IReadOnlyList<OciDescriptor> Select(IReadOnlyList<OciDescriptor> manifests, IReadOnlyList<Platform> platforms)
    {
        if (platforms.Count == 0)
        {
            return manifests;
        }

        HashSet<ContentDigest> selected = [.. manifests.Where(m => !m.IsAttestation && m.Platform is { } platform && platforms.Any(platform.Matches)).Select(static m => m.Digest)];
        return [.. manifests.Where(m => selected.Contains(m.Digest) || (m.Subject is { } subject && selected.Contains(subject)))];
    }

    private async Task AddAsync(IBlobSource source, OciDescriptor descriptor, IReadOnlyList<Platform> platforms, int depth, CancellationToken cancellationToken)
    {
        if (!_seen.Add(descriptor.Digest))
        {
            return;
        }

        if (depth > MaxDepth || _seen.Count > MaxNodes)
        {
            throw new OciFormatException($"{source.Location}: the image {Target.Digest} refers to more than {MaxNodes} blobs, or nests indexes deeper than {MaxDepth}.");
        }

        if (await source.GetLengthAsync(descriptor.Digest, cancellationToken).ConfigureAwait(false) is not { } length)
        {
            _missing.Add(descriptor);
            return;
        }

        if (length != descriptor.Size)
        {
            throw new OciFormatException($"{source.Location}: {descriptor.Digest} is {length} bytes long; its descriptor says {descriptor.Size}.");
        }

        if (!OciMediaTypes.IsIndex(descriptor.MediaType) && !OciMediaTypes.IsManifest(descriptor.MediaType))
        {
            _nodes.Add(new ImageTreeNode(descriptor, [], null));
            return;
        }

        Stream stream = await source.OpenAsync(descriptor.Digest, cancellationToken).ConfigureAwait(false);
        byte[] bytes = await BlobReading.ReadAllAsync(stream, descriptor, OciJson.MaxManifestBytes, source.Location, cancellationToken).ConfigureAwait(false);
        OciManifest manifest = OciManifest.Parse(bytes, descriptor.MediaType, $"{source.Location}: {descriptor.Digest}");
        IReadOnlyList<OciDescriptor> children = manifest.IsIndex ? Select(manifest.Manifests, platforms) : [.. manifest.Children];
        int missing = _missing.Count;
        foreach (OciDescriptor child in children)
        {
            await AddAsync(source, child, platforms, depth + 1, cancellationToken).ConfigureAwait(false);
        }

        HasCompleteManifest |= !manifest.IsIndex && !descriptor.IsAttestation && missing == _missing.Count;
        _nodes.Add(new ImageTreeNode(descriptor, children, bytes));
    }
}
