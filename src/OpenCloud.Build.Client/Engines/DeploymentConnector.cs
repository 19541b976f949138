using System.Globalization;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Engines.Nodes;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Connects to the ready pods of a Deployment or StatefulSet. A connector stays on the pod that it has chosen: the one of <see cref="For"/> for the
/// build that it was made for, with a lease of the pod; any other as long as the pod exists. A pod that does not answer in its part of the time is left for the next.
/// </summary>
internal sealed class DeploymentConnector : INodeConnector, IDisposable
{
    private readonly EngineAddress _deployment;
    private readonly EngineConnectOptions _options;
    private readonly DeploymentPods _pods;
    private readonly string? _key;
    private static readonly TimeSpan LongestTry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShortestChoice = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShortestTry = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _one = new(1);
    private readonly Lock _lock = new();
    private readonly List<ProgramConnector> _made = [];
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

    public async ValueTask ChooseAsync(CancellationToken cancellationToken) => _ = await TakeAsync(cancellationToken).ConfigureAwait(false);

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            ProgramConnector pod = await TakeAsync(cancellationToken).ConfigureAwait(false);
            if (Interlocked.Exchange(ref _first, null) is { } first)
            {
                return first;
            }

            if (_key is not null)
            {
                return await pod.ConnectAsync(cancellationToken).ConfigureAwait(false);
            }

            try
            {
                return await ConnectWithinAsync(pod, PartOf(_options.ConnectTimeout), cancellationToken).ConfigureAwait(false);
            }
            catch (EngineConnectException e) when (IsOfThePod(e.Reason))
            {
                // Nothing depends on the pod: another one answers as well.
                Interlocked.CompareExchange(ref _pod, null, pod);
                Leave(pod.Address.Remote!.Name, e.Reason);
                _options.OnFailedAttempt?.Invoke(new ConnectAttempt(1, pod.Address, e, TimeSpan.Zero));
            }
        }
    }

    public void Dispose()
    {
        ProgramConnector[] made;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            made = [.. _made];
        }

        Interlocked.Exchange(ref _first, null)?.Dispose();
        _lease?.Dispose();
        foreach (ProgramConnector pod in made)
        {
            pod.Dispose();
        }
    }

    private static bool IsOfThePod(EngineConnectReason reason) => IsOfTheNode(reason)
        || reason is EngineConnectReason.PodNotFound or EngineConnectReason.PodContainerNotFound
            or EngineConnectReason.ContainerNotRunning or EngineConnectReason.Refused or EngineConnectReason.HelperNotFound;

    // Kubernetes calls the pods of a lost node ready until its own time limit.
    private static bool IsOfTheNode(EngineConnectReason reason) => reason is EngineConnectReason.Unreachable or EngineConnectReason.Timeout;

    /// <summary>The time for one of several pods. The others get theirs within the same whole.</summary>
    private static TimeSpan PartOf(TimeSpan left) => TimeSpan.FromTicks(Math.Clamp(left.Ticks / 2, ShortestTry.Ticks, LongestTry.Ticks));

    private async ValueTask<ProgramConnector> TakeAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _pod ?? await ChooseOneAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    private async ValueTask<ProgramConnector> ChooseOneAsync(CancellationToken cancellationToken)
    {
        // A build waits for its pod at least as long as a channel does.
        TimeSpan whole = _key is null || _options.ConnectTimeout > ShortestChoice ? _options.ConnectTimeout : ShortestChoice;
        long start = _options.TimeProvider.GetTimestamp();
        PodList pods = await ReadAsync(cancellationToken).ConfigureAwait(false);
        List<string> candidates = [.. pods.Ready.Where(pod => !_pods.IsAvoided(pod))];
        List<string> avoided = [.. pods.Ready.Except(candidates)];
        EngineConnectException? last = null;
        while (candidates.Count + avoided.Count > 0)
        {
            if (candidates.Count == 0)
            {
                (candidates, avoided) = (avoided, candidates);
            }

            NodeLoads.Lease? lease = _key is null ? null : _pods.Loads.Take(_key, candidates);
            string name = lease?.Node ?? NodeRanking.Rank(_deployment.ToString(), candidates)[0];
            bool isLast = candidates.Count + avoided.Count == 1;
            ProgramConnector pod = new(new EngineAddress(_deployment.Remote!.ForPod(name)), _options);
            try
            {
                Stream stream = isLast
                    ? await ConnectLastAsync(pod, cancellationToken).ConfigureAwait(false)
                    : await ConnectWithinAsync(pod, PartOf(whole - _options.TimeProvider.GetElapsedTime(start)), cancellationToken).ConfigureAwait(false);
                Keep(pod, lease, stream);
                return pod;
            }
            catch (EngineConnectException e) when (IsOfThePod(e.Reason))
            {
                // It went between the list and the connection, or its node did.
                Leave(name, e.Reason);
                candidates.Remove(name);
                last = e;
                lease?.Dispose();
                pod.Dispose();
                if (!isLast)
                {
                    _options.OnFailedAttempt?.Invoke(new ConnectAttempt(1, pod.Address, e, TimeSpan.Zero));
                }
            }
            catch
            {
                lease?.Dispose();
                pod.Dispose();
                throw;
            }
        }

        throw last ?? new EngineConnectException(EngineConnectReason.NoReadyPod, _deployment, $"Cannot connect to {_deployment}: no pod is ready ({pods.Describe()}).");
    }

    private static async ValueTask<Stream> ConnectLastAsync(ProgramConnector pod, CancellationToken cancellationToken)
    {
        try
        {
            return await pod.ConnectAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            throw new ConnectStalledException($"has the ready pod {pod.Address.Remote!.Name}, which {ConnectStalledException.WhatOf(e)}", e);
        }
    }

    private async ValueTask<Stream> ConnectWithinAsync(ProgramConnector pod, TimeSpan limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource time = new(limit, _options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        try
        {
            return await pod.ConnectAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (time.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            string message = string.Create(CultureInfo.InvariantCulture, $"{pod.Address} {ConnectStalledException.WhatOf(e)} within {limit.TotalSeconds:0.###} s.");
            throw new EngineConnectException(EngineConnectReason.Timeout, pod.Address, message, e);
        }
    }

    /// <exception cref="ObjectDisposedException">The connector was disposed of meanwhile. The connection is closed.</exception>
    private void Keep(ProgramConnector pod, NodeLoads.Lease? lease, Stream stream)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _made.Add(pod);
                (_pod, _lease, _first) = (pod, lease, stream);
                return;
            }
        }

        stream.Dispose();
        throw new ObjectDisposedException(nameof(DeploymentConnector));
    }

    private void Leave(string pod, EngineConnectReason reason)
    {
        _pods.Forget();
        if (IsOfTheNode(reason))
        {
            _pods.Avoid(pod);
        }
    }

    private async ValueTask<PodList> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _pods.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            throw new ConnectStalledException("was not found: the API server of the cluster did not answer", e);
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
