using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Several images joined into one index, with their attestations. Contents are not copied.</summary>
public sealed class JoinedIndex : IBlobSource, IOriginSource
{
    private readonly IReadOnlyList<IBlobSource> _sources;
    private readonly byte[] _document;

    private JoinedIndex(IReadOnlyList<IBlobSource> sources, byte[] document, IReadOnlyList<Platform> platforms, IReadOnlyList<Platform> missing)
    {
        _sources = sources;
        _document = document;
        Platforms = platforms;
        MissingPlatforms = missing;
        Target = new OciDescriptor(OciMediaTypes.Index, ContentDigest.Of(document), document.Length);
    }

    /// <inheritdoc/>
    public string Location => string.Join(", ", _sources.Select(static s => s.Location).Distinct());

    /// <summary>The index.</summary>
    public OciDescriptor Target { get; }

    /// <summary>The platforms, without attestations.</summary>
    public IReadOnlyList<Platform> Platforms { get; }

    /// <summary>Platforms that an image lists and does not have, and that none of the others has: the index is without them.</summary>
    public IReadOnlyList<Platform> MissingPlatforms { get; }

    /// <summary>Joins images. A platform may come from one of them only; several versions of an operating system are several platforms.</summary>
    /// <exception cref="OciFormatException">An image is damaged, a platform is not known, or two images have the same platform.</exception>
    public static async Task<JoinedIndex> CreateAsync(IReadOnlyList<OpenedImage> images, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(images);
        List<OciDescriptor> manifests = [];
        List<OciDescriptor> missing = [];
        foreach (OpenedImage image in images)
        {
            ImageTree tree = await ImageTree.ReadAsync(image.Source, image.Target, [], cancellationToken).ConfigureAwait(false);
            ImageCompleteness.Check(tree, image.Source.Location, []);
            HashSet<ContentDigest> there = [.. tree.Nodes.Select(static n => n.Descriptor.Digest)];
            OciManifest root = OciManifest.Parse(tree.Nodes[^1].Document!.Value, image.Target.MediaType, image.Source.Location);
            missing.AddRange(root.Manifests.Where(m => !m.IsAttestation && !there.Contains(m.Digest)));
            IEnumerable<OciDescriptor> own = root.IsIndex
                // An attestation about a manifest that is not there says nothing about this index.
                ? root.Manifests.Where(m => there.Contains(m.Digest) && (m.Subject is not { } subject || there.Contains(subject)))
                : [image.Target.Platform is null ? await WithPlatformAsync(image.Source, image.Target, root, cancellationToken).ConfigureAwait(false) : image.Target];
            foreach (OciDescriptor manifest in own.Where(m => manifests.TrueForAll(known => known.Digest != m.Digest)))
            {
                Add(manifests, manifest, image.Source.Location);
            }
        }

        Platform[] platforms = [.. manifests.Where(static m => !m.IsAttestation).Select(static m => m.Platform).OfType<Platform>()];
        Platform[] absent = [.. missing.Where(m => !manifests.Exists(known => known.Digest == m.Digest || IsForSame(known, m))).Select(static m => m.Platform).OfType<Platform>().Distinct()];
        return new JoinedIndex([.. images.Select(static i => i.Source)], OciJsonWriter.Index(manifests), platforms, absent);
    }

    /// <summary>Opens the index for reading. It does not own the joined images.</summary>
    public OpenedImage Open() => new(Target, this);

    /// <summary>Writes the index as an OCI layout that docker can load, too.</summary>
    /// <param name="output">The destination.</param>
    /// <param name="names">The names of the image in the layout.</param>
    /// <param name="progress">Gets the size of each written content.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    public async Task WriteAsync(IArchiveOutput output, IReadOnlyList<string> names, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ImageTree tree = await ImageTree.ReadAsync(this, Target, [], cancellationToken).ConfigureAwait(false);
        await ImageArchiveWriter.WriteAsync(output, [new ImageToWrite(Target, names, tree)], this, progress, cancellationToken).ConfigureAwait(false);
    }

    async ValueTask<long?> IBlobSource.GetLengthAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        digest == Target.Digest ? _document.Length : (await FindAsync(digest, cancellationToken).ConfigureAwait(false))?.Length;

    async ValueTask<Stream> IBlobSource.OpenAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        digest == Target.Digest ? new MemoryStream(_document, writable: false)
            : await FindAsync(digest, cancellationToken).ConfigureAwait(false) is { } found ? await found.Source.OpenAsync(digest, cancellationToken).ConfigureAwait(false)
            : throw new OciFormatException($"{Location}: the blob {digest} does not exist.");

    async ValueTask<IReadOnlyList<string>> IOriginSource.FindOriginsAsync(ContentDigest digest, string registry, CancellationToken cancellationToken)
    {
        foreach (IOriginSource source in _sources.OfType<IOriginSource>())
        {
            if (await source.FindOriginsAsync(digest, registry, cancellationToken).ConfigureAwait(false) is { Count: > 0 } origins)
            {
                return origins;
            }
        }

        return [];
    }

    private static void Add(List<OciDescriptor> manifests, OciDescriptor manifest, string location)
    {
        if (!manifest.IsAttestation)
        {
            if (manifest.Platform is not { } platform)
            {
                throw new OciFormatException($"{location}: the platform of the manifest {manifest.Digest} is not known.");
            }

            if (manifests.Exists(m => IsForSame(m, manifest)))
            {
                throw new OciFormatException($"{location}: another image of the index has the platform {platform}{(manifest.OperatingSystemVersion.Length > 0 ? $" ({manifest.OperatingSystemVersion})" : string.Empty)}, too.");
            }
        }

        manifests.Add(manifest);
    }

    private static bool IsForSame(OciDescriptor one, OciDescriptor other) =>
        one is { IsAttestation: false, Platform: { } platform } && other.Platform is { } same && platform.Matches(same)
        && one.OperatingSystemVersion == other.OperatingSystemVersion && one.OperatingSystemFeatures.Order(StringComparer.Ordinal).SequenceEqual(other.OperatingSystemFeatures.Order(StringComparer.Ordinal));

    private static async Task<OciDescriptor> WithPlatformAsync(IBlobSource source, OciDescriptor target, OciManifest manifest, CancellationToken cancellationToken)
    {
        if (!OciMediaTypes.IsConfig(manifest.Config!.MediaType))
        {
            return target;
        }

        OciImageConfig config = await OciImageConfig.ReadAsync(source, manifest.Config, cancellationToken).ConfigureAwait(false);
        return target with { Platform = config.Platform, OperatingSystemVersion = config.OperatingSystemVersion, OperatingSystemFeatures = config.OperatingSystemFeatures };
    }

    private async ValueTask<(IBlobSource Source, long Length)?> FindAsync(ContentDigest digest, CancellationToken cancellationToken)
    {
        foreach (IBlobSource source in _sources)
        {
            if (await source.GetLengthAsync(digest, cancellationToken).ConfigureAwait(false) is { } length)
            {
                return (source, length);
            }
        }

        return null;
    }
}
