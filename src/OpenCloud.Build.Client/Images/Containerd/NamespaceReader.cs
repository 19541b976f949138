using Grpc.Core;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Containerd.Content;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>
/// Reads the parts of the images of one namespace. Each document is fetched once and each question about a content or a
/// snapshot is asked once, as long as the answers fit the bounds of the caches.
/// </summary>
internal sealed class NamespaceReader
{
    private const long DocumentCacheBytes = 16 * 1024 * 1024;
    private const string UsualSnapshotter = "overlayfs";
    private const long AnswerCacheEntries = 100_000;

    private readonly ContainerdClient _client;
    private readonly string _namespace;
    private readonly ContentClient _content;
    private readonly BoundedCache<ContentDigest, OciManifest?> _manifests = new(DocumentCacheBytes);
    private readonly BoundedCache<ContentDigest, OciImageConfig?> _configs = new(DocumentCacheBytes);
    private readonly BoundedCache<ContentDigest, bool> _present = new(AnswerCacheEntries);
    private readonly BoundedCache<(string Snapshotter, string Key), long?> _usage = new(AnswerCacheEntries);

    private DigestSet? _contents;
    private Dictionary<string, DigestSet> _snapshots = [];

    private NamespaceReader(ContainerdClient client, string @namespace)
    {
        _client = client;
        _namespace = @namespace;
        _content = client.Content(@namespace);
    }

    public int Fetches => _manifests.Fetches + _configs.Fetches;

    /// <summary>Prepares to read. With <c>many</c>, one listing of all contents replaces a request for each.</summary>
    public static async Task<NamespaceReader> CreateAsync(ContainerdClient client, string @namespace, bool many, CancellationToken cancellationToken)
    {
        NamespaceReader reader = new(client, @namespace);
        await reader.ReadSnapshotsAsync(cancellationToken).ConfigureAwait(false);
        if (many)
        {
            DigestSet contents = new();
            await foreach (Info? info in reader._content.ListAsync(cancellationToken).ConfigureAwait(false))
            {
                if (ContentDigest.TryParse(info.Digest, out ContentDigest digest))
                {
                    contents.Add(digest);
                }
            }

            reader._contents = contents;
        }

        return reader;
    }

    public Task<OciManifest?> ReadManifestAsync(OciDescriptor descriptor, CancellationToken cancellationToken) =>
        _manifests.GetAsync(descriptor.Digest, descriptor.Size, async () =>
            await _content.TryReadAsync(descriptor, OciJson.MaxManifestBytes, cancellationToken).ConfigureAwait(false) is { } bytes
                ? OciManifest.Parse(bytes, descriptor.MediaType, descriptor.Digest.ToString())
                : null);

    public Task<OciImageConfig?> ReadConfigAsync(OciDescriptor descriptor, CancellationToken cancellationToken) =>
        _configs.GetAsync(descriptor.Digest, descriptor.Size, async () =>
            await _content.TryReadAsync(descriptor, OciJson.MaxConfigBytes, cancellationToken).ConfigureAwait(false) is { } bytes
                ? OciImageConfig.Parse(bytes, descriptor.Digest.ToString())
                : null);

    public Task<bool> HasAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        _contents is { } contents
            ? Task.FromResult(contents.Contains(digest))
            : _present.GetAsync(digest, 1, async () => await _content.InfoAsync(digest, cancellationToken).ConfigureAwait(false) is not null);

    /// <summary>The snapshots that hold the unpacked layers; null when the image is not unpacked.</summary>
    public (string Snapshotter, IReadOnlyList<ContentDigest> Chain)? FindSnapshots(OciImageConfig config)
    {
        IReadOnlyList<ContentDigest> chain = config.ChainIds();
        if (chain.Count > 0)
        {
            foreach ((string? snapshotter, DigestSet? keys) in _snapshots)
            {
                if (keys.Contains(chain[^1]))
                {
                    return (snapshotter, chain);
                }
            }
        }

        return null;
    }

    public Task<long?> UsageAsync(string snapshotter, ContentDigest key, CancellationToken cancellationToken) =>
        _usage.GetAsync((snapshotter, key.ToString()), 1, () => _client.SnapshotUsageAsync(_namespace, snapshotter, key.ToString(), cancellationToken));

    private async Task ReadSnapshotsAsync(CancellationToken cancellationToken)
    {
        Dictionary<string, DigestSet> all = new(StringComparer.Ordinal);
        IReadOnlyList<string> snapshotters = await _client.ListSnapshottersAsync(cancellationToken).ConfigureAwait(false);
        foreach (string? snapshotter in snapshotters.OrderByDescending(static s => s == UsualSnapshotter))
        {
            DigestSet keys = new();
            try
            {
                await foreach (string? key in _client.ListSnapshotsAsync(_namespace, snapshotter, cancellationToken).ConfigureAwait(false))
                {
                    if (ContentDigest.TryParse(key, out ContentDigest digest))
                    {
                        keys.Add(digest);
                    }
                }
            }
            catch (RpcException e) when (e.StatusCode != StatusCode.Unavailable)
            {
                // A snapshotter that is loaded but does not work (a proxy whose process is gone) hides no image.
                continue;
            }

            all[snapshotter] = keys;
        }

        _snapshots = all;
    }
}
