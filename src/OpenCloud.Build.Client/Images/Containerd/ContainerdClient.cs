using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Containerd.Images;
using OpenCloud.Build.Client.Protocol.Containerd.Introspection;
using OpenCloud.Build.Client.Protocol.Containerd.Leases;
using OpenCloud.Build.Client.Protocol.Containerd.Namespaces;
using OpenCloud.Build.Client.Protocol.Containerd.Snapshots;
using OpenCloud.Build.Client.Protocol.Containerd.Version;
using OpenCloud.Build.Client.Wire.Grpc;
using ImageService = OpenCloud.Build.Client.Protocol.Containerd.Images.Images;
using VersionService = OpenCloud.Build.Client.Protocol.Containerd.Version.Version;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>
/// containerd's services for images, leases and snapshots, on one connection. Each call carries its namespace as a header
/// (containerd, pkg/namespaces/grpc.go).
/// </summary>
internal sealed class ContainerdClient(EngineChannel channel) : IAsyncDisposable
{
    /// <summary>Where containerd listens by default.</summary>
    public const string DefaultSocket = "/run/containerd/containerd.sock";

    /// <summary>The namespace that containerd's own clients use by default.</summary>
    public const string DefaultNamespace = "default";

    private const string NamespaceHeader = "containerd-namespace";

    private readonly ImageService.ImagesClient _images = new(channel.Pooled);
    private readonly Leases.LeasesClient _leases = new(channel.Pooled);
    private readonly Snapshots.SnapshotsClient _snapshots = new(channel.Pooled);
    private readonly ConcurrentDictionary<string, Metadata> _namespaces = new(StringComparer.Ordinal);

    public string Name => channel.Name;

    public ContentClient Content(string @namespace, string? lease = null) =>
        new(channel, lease is null ? Scope(@namespace) : Scope(@namespace, lease));

    public Task<VersionResponse> VersionAsync(CancellationToken cancellationToken) =>
        new VersionService.VersionClient(channel.Pooled).VersionAsync(new Empty(), cancellationToken: cancellationToken).ResponseAsync;

    public async Task<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken)
    {
        ListNamespacesResponse answer = await new Namespaces.NamespacesClient(channel.Pooled).ListAsync(new ListNamespacesRequest(), cancellationToken: cancellationToken).ConfigureAwait(false);
        return [.. answer.Namespaces.Select(static n => n.Name).Order(StringComparer.Ordinal)];
    }

    public async Task<Image?> GetImageAsync(string @namespace, string name, CancellationToken cancellationToken)
    {
        try
        {
            return (await _images.GetAsync(new GetImageRequest { Name = name }, Scope(@namespace), cancellationToken: cancellationToken).ConfigureAwait(false)).Image;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>
    /// The images of a namespace by name. The service has no paging and a message takes at most 16 MiB; a namespace that
    /// exceeds it is requested in parts, by the first digits of the digests.
    /// </summary>
    public async Task<IReadOnlyList<Image>> ListImagesAsync(string @namespace, CancellationToken cancellationToken)
    {
        List<Image> images = new();
        try
        {
            images.AddRange(await ListImagesAsync(@namespace, string.Empty, cancellationToken).ConfigureAwait(false));
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted)
        {
            await ListInPartsAsync(@namespace, string.Empty, images, cancellationToken).ConfigureAwait(false);
        }

        images.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return images;
    }

    /// <summary>Creates a name, or points an existing one elsewhere.</summary>
    /// <returns>Whether the name is new.</returns>
    public async Task<bool> PutImageAsync(string @namespace, Image image, string? lease, CancellationToken cancellationToken)
    {
        Metadata scope = lease is null ? Scope(@namespace) : Scope(@namespace, lease);
        try
        {
            await _images.CreateAsync(new CreateImageRequest { Image = image }, scope, cancellationToken: cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
        {
            UpdateImageRequest request = new() { Image = image, UpdateMask = new FieldMask { Paths = { "target" } } };
            await _images.UpdateAsync(request, scope, cancellationToken: cancellationToken).ConfigureAwait(false);
            return false;
        }
    }

    /// <summary>Creates a name that must not exist yet.</summary>
    /// <exception cref="RpcException">It exists (AlreadyExists).</exception>
    public async Task<Image> CreateImageAsync(string @namespace, Image image, CancellationToken cancellationToken) =>
        (await _images.CreateAsync(new CreateImageRequest { Image = image }, Scope(@namespace), cancellationToken: cancellationToken).ConfigureAwait(false)).Image;

    /// <summary>Removes a name and, with <c>sync</c>, waits for the garbage collector; false when there is no such name.</summary>
    public async Task<bool> DeleteImageAsync(string @namespace, string name, bool sync, CancellationToken cancellationToken)
    {
        try
        {
            await _images.DeleteAsync(new DeleteImageRequest { Name = name, Sync = sync }, Scope(@namespace), cancellationToken: cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>Creates a lease, which protects what is written under it from the garbage collector until it is deleted or expires.</summary>
    public async Task<ContainerdLease> LeaseAsync(string @namespace, TimeSpan expiresIn, CancellationToken cancellationToken)
    {
        string id = $"opencloud-build-{Guid.NewGuid():n}";
        CreateRequest request = new() { Id = id };
        // containerd, core/metadata/gc.go: the collector ignores an expired lease. After a crash, expiry is what removes ours.
        request.Labels["containerd.io/gc.expire"] = DateTimeOffset.UtcNow.Add(expiresIn).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        await _leases.CreateAsync(request, Scope(@namespace), cancellationToken: cancellationToken).ConfigureAwait(false);
        return new ContainerdLease(this, @namespace, id);
    }

    public Task HoldContentAsync(string @namespace, string lease, string digest, CancellationToken cancellationToken) => HoldAsync(@namespace, lease, digest, "content", cancellationToken);

    /// <summary>Adds to a lease what exists already: a content, or a snapshot of <c>snapshots/SNAPSHOTTER</c>.</summary>
    public Task HoldAsync(string @namespace, string lease, string id, string type, CancellationToken cancellationToken) =>
        _leases.AddResourceAsync(new AddResourceRequest { Id = lease, Resource = new Resource { Id = id, Type = type } }, Scope(@namespace), cancellationToken: cancellationToken).ResponseAsync;

    public Task DeleteLeaseAsync(string @namespace, string id, bool sync, CancellationToken cancellationToken) =>
        _leases.DeleteAsync(new DeleteRequest { Id = id, Sync = sync }, Scope(@namespace), cancellationToken: cancellationToken).ResponseAsync;

    /// <summary>Runs the garbage collector and waits for it. No call does only that; deleting a lease is one that can be waited for.</summary>
    public async Task CollectAsync(string @namespace, CancellationToken cancellationToken)
    {
        ContainerdLease lease = await LeaseAsync(@namespace, TimeSpan.FromMinutes(1), cancellationToken).ConfigureAwait(false);
        await lease.ReleaseAsync(collect: true).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<string>> ListLeasesAsync(string @namespace, CancellationToken cancellationToken) =>
        [.. (await _leases.ListAsync(new ListRequest(), Scope(@namespace), cancellationToken: cancellationToken).ConfigureAwait(false)).Leases.Select(static l => l.Id)];

    /// <summary>The snapshotters that work.</summary>
    public async Task<IReadOnlyList<string>> ListSnapshottersAsync(CancellationToken cancellationToken)
    {
        PluginsRequest request = new() { Filters = { "type==io.containerd.snapshotter.v1" } };
        PluginsResponse answer = await new Introspection.IntrospectionClient(channel.Pooled).PluginsAsync(request, cancellationToken: cancellationToken).ConfigureAwait(false);
        return [.. answer.Plugins.Where(static p => p.InitErr is null).Select(static p => p.Id)];
    }

    public async IAsyncEnumerable<string> ListSnapshotsAsync(string @namespace, string snapshotter, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ListSnapshotsRequest request = new() { Snapshotter = snapshotter };
        await foreach (ListSnapshotsResponse? answer in _snapshots.List(request, Scope(@namespace), cancellationToken: cancellationToken).ReadAllAsync().ConfigureAwait(false))
        {
            foreach (Info? info in answer.Info.Where(static i => i.Kind == Kind.Committed))
            {
                yield return info.Name;
            }
        }
    }

    /// <summary>The bytes that a snapshot occupies without its parents, or null when it is gone.</summary>
    public async Task<long?> SnapshotUsageAsync(string @namespace, string snapshotter, string key, CancellationToken cancellationToken)
    {
        try
        {
            return (await _snapshots.UsageAsync(new UsageRequest { Snapshotter = snapshotter, Key = key }, Scope(@namespace), cancellationToken: cancellationToken).ConfigureAwait(false)).Size;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    public ValueTask DisposeAsync() => channel.DisposeAsync();

    private static Metadata Scope(string @namespace, string lease) => new() { { NamespaceHeader, @namespace }, { "containerd-lease", lease } };

    private Metadata Scope(string @namespace) => _namespaces.GetOrAdd(@namespace, static name => new Metadata { { NamespaceHeader, name } });

    private async Task<IEnumerable<Image>> ListImagesAsync(string @namespace, string filter, CancellationToken cancellationToken)
    {
        ListImagesRequest request = new();
        if (filter.Length > 0)
        {
            request.Filters.Add(filter);
        }

        return (await _images.ListAsync(request, Scope(@namespace), cancellationToken: cancellationToken).ConfigureAwait(false)).Images;
    }

    private async Task ListInPartsAsync(string @namespace, string digits, List<Image> images, CancellationToken cancellationToken)
    {
        foreach (char digit in "0123456789abcdef")
        {
            string prefix = digits + digit;
            try
            {
                images.AddRange(await ListImagesAsync(@namespace, $"target.digest~=/^[a-z0-9]+:{prefix}/", cancellationToken).ConfigureAwait(false));
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted && prefix.Length < 8)
            {
                await ListInPartsAsync(@namespace, prefix, images, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
