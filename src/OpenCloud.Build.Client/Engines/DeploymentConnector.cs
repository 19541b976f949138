using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Engines.Nodes;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Connects to the ready pods of a Deployment or StatefulSet. A connector stays on the pod that it has chosen: the one of <see cref="For"/> for the
/// build that it was made for, with a lease of the pod; any other as long as the pod exists.
/// </summary>
internal sealed class DeploymentConnector : INodeConnector, IDisposable
{
    private readonly EngineAddress _deployment;
    private readonly EngineConnectOptions _options;
    private readonly DeploymentPods _pods;
    private readonly string? _key;
    private readonly SemaphoreSlim _one = new(1);
    private ProgramConnector? _pod;
    private NodeLoads.Lease? _lease;
    private Stream? _first;
    private bool _disposed;

    public DeploymentConnector(EngineAddress address, EngineConnectOptions options)
        : this(address, options, new DeploymentPods(address.Remote!, options.GetEnvironmentVariable, options.ConnectTimeout, options.TimeProvider), null)
    {
    }

    private DeploymentConnector(EngineAddress deployment, EngineConnectOptions options, DeploymentPods pods, string? key) =>
        (_deployment, _options, _pods, _key) = (deployment, options, pods, key);

    /// <summary>The pod once it is chosen for a build; else the deployment.</summary>
    public EngineAddress Address => _key is not null && _pod is { } pod ? pod.Address : _deployment;

    public INodeConnector? For(string key) => _key is null ? new DeploymentConnector(_deployment, _options, _pods, key) : null;

    public async ValueTask ChooseAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_pod is null)
            {
                await ChooseOneAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        await ChooseAsync(cancellationToken).ConfigureAwait(false);
        if (Interlocked.Exchange(ref _first, null) is { } first)
        {
            return first;
        }

        ProgramConnector pod = _pod!;
        try
        {
            return await pod.ConnectAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (EngineConnectException e) when (_key is null && IsOfThePod(e.Reason))
        {
            // Nothing depends on the pod: another one answers as well.
            Interlocked.CompareExchange(ref _pod, null, pod);
            _pods.Forget();
        }

        return await ConnectAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _disposed = true;
        Interlocked.Exchange(ref _first, null)?.Dispose();
        _lease?.Dispose();
    }

    private static bool IsOfThePod(EngineConnectReason reason) => reason is EngineConnectReason.PodNotFound or EngineConnectReason.PodContainerNotFound
        or EngineConnectReason.ContainerNotRunning or EngineConnectReason.Refused or EngineConnectReason.HelperNotFound;

    private async ValueTask ChooseOneAsync(CancellationToken cancellationToken)
    {
        PodList pods = await ReadAsync(cancellationToken).ConfigureAwait(false);
        List<string> candidates = [.. pods.Ready];
        EngineConnectException? last = null;
        while (candidates.Count > 0)
        {
            NodeLoads.Lease? lease = _key is null ? null : _pods.Loads.Take(_key, candidates);
            string name = lease?.Node ?? NodeRanking.Rank(_deployment.ToString(), candidates)[0];
            try
            {
                ProgramConnector pod = new(new EngineAddress(_deployment.Remote!.ForPod(name)), _options);
                _first = await pod.ConnectAsync(cancellationToken).ConfigureAwait(false);
                (_pod, _lease) = (pod, lease);
                return;
            }
            catch (EngineConnectException e) when (IsOfThePod(e.Reason))
            {
                // It went between the list and the connection.
                lease?.Dispose();
                _pods.Forget();
                candidates.Remove(name);
                last = e;
            }
            catch
            {
                lease?.Dispose();
                throw;
            }
        }

        throw last ?? new EngineConnectException(EngineConnectReason.NoReadyPod, _deployment, $"Cannot connect to {_deployment}: no pod is ready ({pods.Describe()}).");
    }

    private async ValueTask<PodList> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _pods.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (KubernetesException e)
        {
            EngineConnectReason reason = e.Problem switch
            {
                KubernetesProblem.ProgramNotFound => EngineConnectReason.ProgramNotFound,
                KubernetesProblem.ContextNotFound => EngineConnectReason.ContextNotFound,
                KubernetesProblem.NamespaceNotFound => EngineConnectReason.NamespaceNotFound,
                KubernetesProblem.NotFound => EngineConnectReason.DeploymentNotFound,
                KubernetesProblem.Forbidden => EngineConnectReason.ClusterForbidden,
                KubernetesProblem.LoginRefused => EngineConnectReason.ClusterLoginRefused,
                KubernetesProblem.Unreachable => EngineConnectReason.ClusterUnreachable,
                KubernetesProblem.TimedOut => EngineConnectReason.Timeout,
                _ => EngineConnectReason.ProgramFailed,
            };
            throw new EngineConnectException(reason, _deployment, e.Message, e);
        }
    }
}
