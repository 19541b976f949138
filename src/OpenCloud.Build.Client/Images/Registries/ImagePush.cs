using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>The result of a push.</summary>
/// <param name="Target">The pushed index or manifest.</param>
/// <param name="Platforms">Its platforms, without attestations.</param>
/// <param name="BytesSent">The number of bytes sent.</param>
/// <param name="Sent">The number of contents sent.</param>
/// <param name="Mounted">The number of contents mounted from another repository of the registry.</param>
/// <param name="Present">The number of contents that the registry already had.</param>
public sealed record ImagePushResult(OciDescriptor Target, IReadOnlyList<Platform> Platforms, long BytesSent, int Sent, int Mounted, int Present);

/// <summary>
/// Pushes an image: first its contents, several at the same time and only those that the registry lacks; then its manifests; the tags last, so that
/// no tag refers to an incomplete image.
/// </summary>
/// <remarks>distribution-spec, Pushing manifests: what a manifest refers to must exist before it.</remarks>
internal sealed class ImagePush(RegistryRepository repository, IBlobSource source, IProgress<long>? progress)
{
    /// <summary>Called with the size of the whole image before the push begins.</summary>
    public Action<long>? OnTotal { get; init; }

    private long _bytes;
    private int _sent;
    private int _mounted;
    private int _present;

    /// <summary>Pushes an image under tags; only under its digest when there are none.</summary>
    /// <exception cref="OciFormatException">The image is damaged or incomplete. Nothing was tagged.</exception>
    public async Task<ImagePushResult> RunAsync(OciDescriptor image, string name, IReadOnlyList<Platform> platforms, IReadOnlyList<string> tags, CancellationToken cancellationToken)
    {
        ImageTree tree = await ImageTree.ReadAsync(source, image, platforms, cancellationToken).ConfigureAwait(false);
        ImageCompleteness.Check(tree, name, platforms);
        await ImageCompleteness.CheckPlatformAsync(source, tree, name, platforms, cancellationToken).ConfigureAwait(false);
        (OciDescriptor target, ReadOnlyMemory<byte> document) = ImageSelection.Of(tree);
        OnTotal?.Invoke(tree.Nodes.Sum(static n => n.Descriptor.Size));
        if (await IsThereAsync(tree, target, cancellationToken).ConfigureAwait(false))
        {
            // The registry took each manifest only with all that it refers to.
            _present = tree.Nodes.Count;
            progress?.Report(tree.Nodes.Sum(static n => n.Descriptor.Size));
        }
        else
        {
            await Parallel.ForEachAsync(
                tree.Nodes.Where(static n => n.Document is null && !OciMediaTypes.IsForeignLayer(n.Descriptor.MediaType)).Select(static n => n.Descriptor),
                Several(cancellationToken),
                async (descriptor, stop) => await SendAsync(descriptor, stop).ConfigureAwait(false)).ConfigureAwait(false);
            foreach (ImageTreeNode node in tree.Nodes.Where(static n => n.Document is not null).SkipLast(1))
            {
                await PutAsync(node.Descriptor, node.Document!.Value, cancellationToken).ConfigureAwait(false);
            }

            await PutAsync(target, document, cancellationToken).ConfigureAwait(false);
        }

        foreach (string tag in tags)
        {
            if (await repository.ResolveAsync(tag, cancellationToken).ConfigureAwait(false) != target.Digest)
            {
                await repository.PutManifestAsync(tag, target.MediaType, document, cancellationToken).ConfigureAwait(false);
            }
        }

        return new ImagePushResult(target, PlatformsOf(tree), _bytes, _sent, _mounted, _present);
    }

    public static IReadOnlyList<Platform> PlatformsOf(ImageTree tree) =>
        [.. tree.Nodes.Where(static n => OciMediaTypes.IsManifest(n.Descriptor.MediaType) && !n.Descriptor.IsAttestation).Select(static n => n.Descriptor.Platform).OfType<Platform>().Distinct()];

    private ParallelOptions Several(CancellationToken cancellationToken) => new() { MaxDegreeOfParallelism = repository.Options.AtOnce, CancellationToken = cancellationToken };

    // A registry may keep an index and lack manifests that it lists: they were deleted, or it was let in so.
    private async Task<bool> IsThereAsync(ImageTree tree, OciDescriptor target, CancellationToken cancellationToken)
    {
        if (await repository.ResolveAsync(target.Digest.ToString(), cancellationToken).ConfigureAwait(false) != target.Digest)
        {
            return false;
        }

        int lacking = 0;
        await Parallel.ForEachAsync(
            tree.Nodes.SkipLast(1).Where(static n => n.Document is not null).Select(static n => n.Descriptor.Digest),
            Several(cancellationToken),
            async (digest, stop) =>
            {
                if (await repository.ResolveAsync(digest.ToString(), stop).ConfigureAwait(false) != digest)
                {
                    Interlocked.Increment(ref lacking);
                }
            }).ConfigureAwait(false);
        return lacking == 0;
    }

    private async Task PutAsync(OciDescriptor descriptor, ReadOnlyMemory<byte> document, CancellationToken cancellationToken)
    {
        string digest = descriptor.Digest.ToString();
        if (await repository.ResolveAsync(digest, cancellationToken).ConfigureAwait(false) == descriptor.Digest)
        {
            _present++;
        }
        else
        {
            await repository.PutManifestAsync(digest, descriptor.MediaType, document, cancellationToken).ConfigureAwait(false);
            _bytes += document.Length;
            _sent++;
        }

        progress?.Report(descriptor.Size);
    }

    private async Task SendAsync(OciDescriptor descriptor, CancellationToken cancellationToken)
    {
        if (await repository.HasBlobAsync(descriptor, cancellationToken).ConfigureAwait(false))
        {
            Interlocked.Increment(ref _present);
            progress?.Report(descriptor.Size);
            return;
        }

        IReadOnlyList<string> origins = source is IOriginSource known
            ? await known.FindOriginsAsync(descriptor.Digest, repository.Registry, cancellationToken).ConfigureAwait(false)
            : [];
        string? origin = origins.FirstOrDefault(o => o != repository.Path && ImageReference.TryParse($"{repository.Registry}/{o}", out ImageReference? reference) && reference.Path == o);
        UploadOutcome outcome = await repository.Upload().SendAsync(descriptor, origin, stop => source.OpenAsync(descriptor.Digest, stop), progress, cancellationToken).ConfigureAwait(false);
        if (outcome == UploadOutcome.Mounted)
        {
            Interlocked.Increment(ref _mounted);
        }
        else
        {
            Interlocked.Increment(ref _sent);
            Interlocked.Add(ref _bytes, descriptor.Size);
        }
    }
}
