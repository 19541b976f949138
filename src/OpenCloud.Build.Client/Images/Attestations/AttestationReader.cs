using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Attestations;

/// <summary>Reads the attestation statements of an image.</summary>
/// <remarks>moby/buildkit, docs/attestations/attestation-storage.md: a manifest for each platform, a layer for each statement.</remarks>
public static class AttestationReader
{
    internal const string StatementType = "application/vnd.in-toto+json";

    private const string PredicateAnnotation = "in-toto.io/predicate-type";

    // An SBOM lists every file of an image.
    private const int MaxStatement = 128 * 1024 * 1024;
    private const long MaxTotal = 512L * 1024 * 1024;

    /// <summary>Reads the statements of an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="name">Its name in the results.</param>
    /// <param name="platforms">The platforms; all when empty.</param>
    /// <param name="kinds">The kinds; all when empty.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="OciFormatException">The image or a statement is damaged.</exception>
    public static async Task<IReadOnlyList<ContainerImageAttestation>> ReadAsync(
        OpenedImage image, string name, IReadOnlyList<Platform> platforms, IReadOnlyList<AttestationKind> kinds, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(kinds);
        List<ContainerImageAttestation> found = [];
        if (!OciMediaTypes.IsIndex(image.Target.MediaType))
        {
            return found;
        }

        long total = 0;
        OciManifest index = await ReadManifestAsync(image.Source, image.Target, cancellationToken).ConfigureAwait(false);
        foreach (OciDescriptor attestation in ImageTree.Select(index.Manifests, platforms).Where(static m => m.IsAttestation))
        {
            // A store may have an index without the attestations that it lists.
            if (await image.Source.GetLengthAsync(attestation.Digest, cancellationToken).ConfigureAwait(false) is null)
            {
                continue;
            }

            ContentDigest? subject = attestation.Subject;
            string platform = index.Manifests.FirstOrDefault(m => m.Digest == subject)?.Platform?.ToString() ?? string.Empty;
            Count(attestation);
            OciManifest manifest = await ReadManifestAsync(image.Source, attestation, cancellationToken).ConfigureAwait(false);
            foreach (OciDescriptor statement in manifest.Layers.Where(static l => l.MediaType == StatementType).DistinctBy(static l => l.Digest))
            {
                Count(statement);
                if (await ReadAsync(image.Source, statement, name, cancellationToken).ConfigureAwait(false) is { } read && (kinds.Count == 0 || kinds.Contains(read.Kind)))
                {
                    found.Add(read with { Platform = platform, Subject = subject?.ToString() });
                }
            }
        }

        return found;

        void Count(OciDescriptor descriptor)
        {
            total += descriptor.Size;
            if (total > MaxTotal)
            {
                throw new OciFormatException($"{image.Source.Location}: the attestations of the image have more than {MaxTotal} bytes.");
            }
        }
    }

    internal static async Task<ContainerImageAttestation?> ReadAsync(IBlobSource source, OciDescriptor descriptor, string name, CancellationToken cancellationToken)
    {
        if (await source.GetLengthAsync(descriptor.Digest, cancellationToken).ConfigureAwait(false) is null)
        {
            return null;
        }

        Stream stream = await source.OpenAsync(descriptor.Digest, cancellationToken).ConfigureAwait(false);
        byte[] bytes = await BlobReading.ReadAllAsync(stream, descriptor, MaxStatement, source.Location, cancellationToken).ConfigureAwait(false);
        ContainerImageAttestation attestation = new()
        {
            Image = name,
            PredicateType = descriptor.Annotations.GetValueOrDefault(PredicateAnnotation, string.Empty),
            Digest = descriptor.Digest.ToString(),
            Size = descriptor.Size,
        };
        return StatementReader.Read(bytes, attestation, $"{source.Location}: {descriptor.Digest}");
    }

    internal static async Task<OciManifest> ReadManifestAsync(IBlobSource source, OciDescriptor descriptor, CancellationToken cancellationToken)
    {
        Stream stream = await source.OpenAsync(descriptor.Digest, cancellationToken).ConfigureAwait(false);
        byte[] bytes = await BlobReading.ReadAllAsync(stream, descriptor, OciJson.MaxManifestBytes, source.Location, cancellationToken).ConfigureAwait(false);
        return OciManifest.Parse(bytes, descriptor.MediaType, $"{source.Location}: {descriptor.Digest}");
    }
}
