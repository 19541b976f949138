using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Containers.Runtime;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Protocol.Containerd.Containers;
using OpenCloud.Build.Client.Protocol.Containerd.Tasks;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Client.Containers;

/// <summary>
/// containerd on this machine as the host of containers with engines. containerd knows containers by an id, which stays; here it is the random id of
/// the run that made it, and the name is a label. containerd's own monitor starts containers again, as labels say.
/// </summary>
internal sealed partial class ContainerdHost : IContainerHost
{
    private const string HostNetwork = "host";
    private const string RuntimeName = "io.containerd.runc.v2";
    private const string NameLabel = "opencloud.build.name";
    private const string LogLabel = "containerd.io/restart.loguri";
    private const int MostLogReads = 20;

    private static readonly TimeSpan LogPause = TimeSpan.FromMilliseconds(50);

    private readonly EngineChannel _channel;
    private readonly ContainerdClient _client;
    private readonly ContainerdRuntime _runtime;
    private readonly ContainerdRestarts _restarts;
    private readonly ContainerdFolders _folders;

    public ContainerdHost(EngineAddress address, EngineConnectOptions options)
    {
        _channel = ContainerdChannel.Open(address, options);
        _client = new ContainerdClient(_channel);
        _runtime = new ContainerdRuntime(_channel, ContainerdClient.DefaultNamespace);
        _restarts = new ContainerdRestarts(_runtime);
        _folders = new ContainerdFolders(options.GetEnvironmentVariable);
    }

    public string Store => _channel.Name;

    // A program that ends is started again after some seconds only; its first end says enough.
    public int MostEnds => 0;

    public void Check(BuildKitContainerRequest request)
    {
        _folders.Check(request.Name);
        if (request.IsRootless == true)
        {
            throw new BuildKitContainerException(BuildKitContainerProblem.Unsupported, "A rootless engine in a container requires a Docker Engine: containerd has no such containers. Nothing was sent.");
        }
    }

    public EngineAddress AddressOf(string name) => EngineAddress.ForUnixSocket(_folders.SocketOf(name));

    public string? FindAddress(string name) => AddressOf(name).ToString();

    public async Task<List<HostedContainer>> ListAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Container> all = await _runtime.ListAsync($"labels.\"{ContainerLabels.EngineLabel}\"", cancellationToken).ConfigureAwait(false);
        IReadOnlyDictionary<string, ProcessStatus> tasks = all.Count == 0 ? new Dictionary<string, ProcessStatus>() : await _runtime.ListTasksAsync(cancellationToken).ConfigureAwait(false);
        return [.. all.Select(c => Describe(c, tasks.TryGetValue(c.Id, out ProcessStatus status) ? status : null))];
    }

    public async Task<HostedContainer?> FindAsync(string id, CancellationToken cancellationToken) =>
        await _runtime.FindAsync(id, cancellationToken).ConfigureAwait(false) is { } found
            ? Describe(found, await _runtime.FindTaskAsync(id, cancellationToken).ConfigureAwait(false)) : null;

    public async Task<HostedContainer?> FindNamedAsync(string name, CancellationToken cancellationToken) =>
        await FindContainerAsync(name, cancellationToken).ConfigureAwait(false) is { } found
            ? Describe(found, await _runtime.FindTaskAsync(found.Id, cancellationToken).ConfigureAwait(false)) : null;

    public async Task<string> CreateAsync(string name, string image, ContainerLabels labels, CancellationToken cancellationToken)
    {
        using IDisposable names = await _folders.LockAsync(cancellationToken).ConfigureAwait(false);
        if (await FindContainerAsync(name, cancellationToken).ConfigureAwait(false) is not null)
        {
            throw new BuildKitContainerException(BuildKitContainerProblem.Different, $"Another run has created the container '{name}' meanwhile. It was not changed.");
        }

        // What is made under the lease goes with it, unless the container exists then; after a crash it expires.
        string id = labels.Run;
        ContainerdLease lease = await _client.LeaseAsync(_runtime.Namespace, LeaseTime, cancellationToken).ConfigureAwait(false);
        bool isMade = false;
        try
        {
            UnpackedImage unpacked = await UnpackAsync(image, lease.Id, cancellationToken).ConfigureAwait(false);
            await _runtime.PrepareAsync(unpacked.Snapshotter, id, unpacked.Snapshot, lease.Id, cancellationToken).ConfigureAwait(false);
            _folders.CreateEngine(labels.Engine);
            Container container = new()
            {
                Id = id,
                Image = image,
                Runtime = new Container.Types.Runtime { Name = RuntimeName },
                Spec = new Any { TypeUrl = RuntimeSpec.TypeUrl, Value = ByteString.CopyFromUtf8(SpecOf(id, labels, unpacked.Process).ToJsonString()) },
                Snapshotter = unpacked.Snapshotter,
                SnapshotKey = id,
            };
            foreach ((string label, System.Text.Json.Nodes.JsonNode? value) in labels.ToJson())
            {
                container.Labels[label] = value!.ToString();
            }

            container.Labels[NameLabel] = name;
            container.Labels[LogLabel] = "file://" + Uri.EscapeDataString(_folders.LogOf(labels.Engine, id)).Replace("%2F", "/", StringComparison.Ordinal);
            ContainerdRestarts.AddTo(container);
            await _runtime.CreateAsync(container, lease.Id, cancellationToken).ConfigureAwait(false);
            isMade = true;
            return id;
        }
        finally
        {
            await lease.ReleaseAsync(collect: !isMade).ConfigureAwait(false);
            if (!isMade)
            {
                await RemoveFoldersAsync(labels.Engine, id).ConfigureAwait(false);
            }
        }
    }

    public async Task StartAsync(string id, CancellationToken cancellationToken)
    {
        Container container = await _runtime.FindAsync(id, cancellationToken).ConfigureAwait(false) ?? throw new RpcException(new Status(StatusCode.NotFound, $"The container {id} does not exist."));
        await _restarts.StartAsync(container, container.Labels.TryGetValue(LogLabel, out string? log) ? log : string.Empty, cancellationToken).ConfigureAwait(false);
    }

    public Task StopAsync(string id, CancellationToken cancellationToken) => _restarts.StopAsync(id, cancellationToken);

    public async Task RenameAsync(string id, string name, CancellationToken cancellationToken)
    {
        using IDisposable names = await _folders.LockAsync(cancellationToken).ConfigureAwait(false);
        if (await FindContainerAsync(name, cancellationToken).ConfigureAwait(false) is { } other && other.Id != id)
        {
            throw new BuildKitContainerException(BuildKitContainerProblem.Different, $"Another container has the name '{name}'. Nothing was renamed.");
        }

        await _runtime.SetLabelsAsync(id, new Dictionary<string, string> { [NameLabel] = name }, cancellationToken).ConfigureAwait(false);
    }

    public async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        if (await _runtime.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { } container)
        {
            return;
        }

        await _restarts.StopAsync(id, cancellationToken).ConfigureAwait(false);
        await _runtime.DeleteAsync(id, cancellationToken).ConfigureAwait(false);
        if (container.SnapshotKey.Length > 0)
        {
            await _runtime.RemoveSnapshotAsync(container.Snapshotter, container.SnapshotKey, cancellationToken).ConfigureAwait(false);
        }

        if (ContainerLabels.From(container.Labels) is { } labels)
        {
            await RemoveFoldersAsync(labels.Engine, id).ConfigureAwait(false);
        }
    }

    public Task<bool> HasNetworkAsync(string name, CancellationToken cancellationToken) => Task.FromResult(name is BuildKitContainers.NoNetwork or HostNetwork);

    public async Task<string> ReadLogAsync(string id, CancellationToken cancellationToken)
    {
        if (await _runtime.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { } container || ContainerLabels.From(container.Labels) is not { } labels)
        {
            return string.Empty;
        }

        // containerd's shim copies the last words of a program, also after the program has ended.
        string log = ContainerLog.ReadEnd(_folders.LogOf(labels.Engine, id));
        for (int attempt = 0; log.Length == 0 && attempt < MostLogReads; attempt++)
        {
            await Task.Delay(LogPause, cancellationToken).ConfigureAwait(false);
            log = ContainerLog.ReadEnd(_folders.LogOf(labels.Engine, id));
        }

        return log;
    }

    public bool IsFailure(Exception error) => error is RpcException or IOException or UnauthorizedAccessException or HttpRequestException or BuildKitContainerException;

    // The id is known before, so that nothing has to be guessed.
    public bool IsRefusal(Exception error) => error is BuildKitContainerException or Images.Oci.OciFormatException;

    public bool IsUse(Exception error) => error is BuildKitContainerException { Problem: BuildKitContainerProblem.Foreign };

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static HostedContainer Describe(Container container, ProcessStatus? task)
    {
        bool isKept = ContainerdRestarts.IsKept(container);
        return new HostedContainer(
            container.Id,
            container.Labels.TryGetValue(NameLabel, out string? name) ? name : container.Id,
            ContainerLabels.From(container.Labels),
            task switch
            {
                ProcessStatus.Running when isKept => "running",
                ProcessStatus.Paused or ProcessStatus.Pausing => "paused",
                null or ProcessStatus.Stopped => isKept ? "restarting" : "exited",
                _ => "created",
            },
            isKept && task is null or ProcessStatus.Stopped ? 1 : 0,
            container.Image,
            container.CreatedAt is { } created ? DateTimeOffset.FromUnixTimeSeconds(created.Seconds) : null);
    }

    private System.Text.Json.Nodes.JsonObject SpecOf(string id, ContainerLabels labels, ImageProcess process)
    {
        bool usesHost = labels.Network == HostNetwork;
        List<BindMount> binds = [new(_folders.RunOf(labels.Engine), "/run/buildkit"), new(_folders.DataOf(labels.CacheVolume), "/var/lib/buildkit")];
        if (usesHost)
        {
            // Without a network there is nothing to look up.
            binds.AddRange(new[] { "/etc/resolv.conf", "/etc/hosts" }.Where(File.Exists).Select(static f => new BindMount(f, f, IsReadOnly: true)));
        }

        return RuntimeSpec.Create(id[..12], $"/{_runtime.Namespace}/{id}", process, usesHost, binds, MachineFacts.Read());
    }

    // A container without this library's labels has its id as its name.
    private async Task<Container?> FindContainerAsync(string name, CancellationToken cancellationToken) =>
        (await _runtime.ListAsync($"labels.\"{NameLabel}\"==\"{name}\"", cancellationToken).ConfigureAwait(false)).FirstOrDefault()
            ?? (await _runtime.FindAsync(name, cancellationToken).ConfigureAwait(false) is { } other && !other.Labels.ContainsKey(NameLabel) ? other : null);

    // Also after a run that was cancelled.
    private async Task RemoveFoldersAsync(string engine, string id)
    {
        using CancellationTokenSource limit = new(Cleanup);
        IReadOnlyList<Container> others = await _runtime.ListAsync($"labels.\"{ContainerLabels.EngineLabel}\"==\"{engine}\"", limit.Token).ConfigureAwait(false);
        _folders.RemoveEngine(engine, id, others.Any(c => c.Id != id));
    }
}
