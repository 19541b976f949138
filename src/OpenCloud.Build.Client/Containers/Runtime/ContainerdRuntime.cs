using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Containerd.Containers;
using OpenCloud.Build.Client.Protocol.Containerd.Diffs;
using OpenCloud.Build.Client.Protocol.Containerd.Snapshots;
using OpenCloud.Build.Client.Protocol.Containerd.Tasks;
using OpenCloud.Build.Client.Protocol.Containerd.Types;
using OpenCloud.Build.Client.Wire.Grpc;
using ContainerService = OpenCloud.Build.Client.Protocol.Containerd.Containers.Containers;
using DiffService = OpenCloud.Build.Client.Protocol.Containerd.Diffs.Diff;
using TaskService = OpenCloud.Build.Client.Protocol.Containerd.Tasks.Tasks;

namespace OpenCloud.Build.Client.Containers.Runtime;

/// <summary>containerd's services for containers, their processes and their file systems, in one namespace.</summary>
internal sealed class ContainerdRuntime(EngineChannel channel, string @namespace)
{
    private readonly ContainerService.ContainersClient _containers = new(channel.Pooled);
    private readonly TaskService.TasksClient _tasks = new(channel.Pooled);
    private readonly Snapshots.SnapshotsClient _snapshots = new(channel.Pooled);
    private readonly DiffService.DiffClient _diffs = new(channel.Pooled);
    private readonly Metadata _scope = new() { { "containerd-namespace", @namespace } };

    public string Namespace => @namespace;

    public async Task<IReadOnlyList<Container>> ListAsync(string filter, CancellationToken cancellationToken) =>
        (await _containers.ListAsync(new ListContainersRequest { Filters = { filter } }, _scope, cancellationToken: cancellationToken).ConfigureAwait(false)).Containers;

    public async Task<Container?> FindAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return (await _containers.GetAsync(new GetContainerRequest { Id = id }, _scope, cancellationToken: cancellationToken).ConfigureAwait(false)).Container;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    public Task CreateAsync(Container container, string lease, CancellationToken cancellationToken) =>
        _containers.CreateAsync(new CreateContainerRequest { Container = container }, Under(lease), cancellationToken: cancellationToken).ResponseAsync;

    /// <summary>Sets labels of a container, beside those it has (containerd, core/metadata/containers.go: a path of the mask is <c>labels.</c> and the name).</summary>
    public Task SetLabelsAsync(string id, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken)
    {
        UpdateContainerRequest request = new() { Container = new Container { Id = id }, UpdateMask = new FieldMask() };
        foreach ((string name, string value) in labels)
        {
            request.Container.Labels[name] = value;
            request.UpdateMask.Paths.Add("labels." + name);
        }

        return _containers.UpdateAsync(request, _scope, cancellationToken: cancellationToken).ResponseAsync;
    }

    public Task<bool> DeleteAsync(string id, CancellationToken cancellationToken) =>
        IfFoundAsync(_containers.DeleteAsync(new DeleteContainerRequest { Id = id }, _scope, cancellationToken: cancellationToken).ResponseAsync);

    /// <summary>The processes of all containers, by id.</summary>
    public async Task<IReadOnlyDictionary<string, ProcessStatus>> ListTasksAsync(CancellationToken cancellationToken)
    {
        Dictionary<string, ProcessStatus> found = new(StringComparer.Ordinal);
        foreach (TaskProcess process in (await _tasks.ListAsync(new ListTasksRequest(), _scope, cancellationToken: cancellationToken).ConfigureAwait(false)).Tasks)
        {
            // containerd, api/types/task: the id of a container is in either field, as the version has it.
            found[process.ContainerId.Length > 0 ? process.ContainerId : process.Id] = process.Status;
        }

        return found;
    }

    /// <summary>Whether the program of a container runs; null when it was not started or was deleted.</summary>
    public async Task<ProcessStatus?> FindTaskAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return (await _tasks.GetAsync(new GetRequest { ContainerId = id }, _scope, cancellationToken: cancellationToken).ConfigureAwait(false)).Process?.Status;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Creates the process of a container, which waits; what it says goes to the address of a log.</summary>
    public Task CreateTaskAsync(string id, IEnumerable<Mount> root, string log, CancellationToken cancellationToken)
    {
        CreateTaskRequest request = new() { ContainerId = id, Stdout = log, Stderr = log };
        request.Rootfs.AddRange(root);
        return _tasks.CreateAsync(request, _scope, cancellationToken: cancellationToken).ResponseAsync;
    }

    public Task StartTaskAsync(string id, CancellationToken cancellationToken) =>
        _tasks.StartAsync(new StartRequest { ContainerId = id }, _scope, cancellationToken: cancellationToken).ResponseAsync;

    public Task<bool> KillTaskAsync(string id, uint signal, bool all, CancellationToken cancellationToken) =>
        IfFoundAsync(_tasks.KillAsync(new KillRequest { ContainerId = id, Signal = signal, All = all }, _scope, cancellationToken: cancellationToken).ResponseAsync);

    /// <summary>Waits until the program of a container has ended.</summary>
    public Task<bool> WaitTaskAsync(string id, CancellationToken cancellationToken) =>
        IfFoundAsync(_tasks.WaitAsync(new WaitRequest { ContainerId = id }, _scope, cancellationToken: cancellationToken).ResponseAsync);

    public Task<bool> DeleteTaskAsync(string id, CancellationToken cancellationToken) =>
        IfFoundAsync(_tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = id }, _scope, cancellationToken: cancellationToken).ResponseAsync);

    public async Task<bool> HasSnapshotAsync(string snapshotter, string key, CancellationToken cancellationToken) =>
        await IfFoundAsync(_snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = snapshotter, Key = key }, _scope, cancellationToken: cancellationToken).ResponseAsync).ConfigureAwait(false);

    public async Task<IReadOnlyList<Mount>> PrepareAsync(string snapshotter, string key, string parent, string lease, CancellationToken cancellationToken) =>
        (await _snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = snapshotter, Key = key, Parent = parent }, Under(lease), cancellationToken: cancellationToken).ConfigureAwait(false)).Mounts;

    public async Task<IReadOnlyList<Mount>> MountsAsync(string snapshotter, string key, CancellationToken cancellationToken) =>
        (await _snapshots.MountsAsync(new MountsRequest { Snapshotter = snapshotter, Key = key }, _scope, cancellationToken: cancellationToken).ConfigureAwait(false)).Mounts;

    public Task CommitAsync(string snapshotter, string name, string key, string lease, CancellationToken cancellationToken) =>
        _snapshots.CommitAsync(new CommitSnapshotRequest { Snapshotter = snapshotter, Name = name, Key = key }, Under(lease), cancellationToken: cancellationToken).ResponseAsync;

    public Task<bool> RemoveSnapshotAsync(string snapshotter, string key, CancellationToken cancellationToken) =>
        IfFoundAsync(_snapshots.RemoveAsync(new RemoveSnapshotRequest { Snapshotter = snapshotter, Key = key }, _scope, cancellationToken: cancellationToken).ResponseAsync);

    /// <summary>Unpacks a layer into mounts; the digest of the uncompressed layer.</summary>
    public async Task<string> ApplyAsync(ContentDescriptor layer, IEnumerable<Mount> mounts, string lease, CancellationToken cancellationToken)
    {
        ApplyRequest request = new() { Diff = layer };
        request.Mounts.AddRange(mounts);
        return (await _diffs.ApplyAsync(request, Under(lease), cancellationToken: cancellationToken).ConfigureAwait(false)).Applied?.Digest ?? string.Empty;
    }

    private static async Task<bool> IfFoundAsync(Task call)
    {
        try
        {
            await call.ConfigureAwait(false);
            return true;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return false;
        }
    }

    private Metadata Under(string lease) => new() { { "containerd-namespace", @namespace }, { "containerd-lease", lease } };
}
