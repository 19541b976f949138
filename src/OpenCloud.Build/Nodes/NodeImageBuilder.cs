using System.Collections.Concurrent;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Fleet;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Nodes;

/// <summary>
/// Runs each build on a node of its named engine: the one that its context prefers, unless that is busy or gone. Platforms go to the nodes that have
/// them, and their results are joined. A build on any other engine is passed on as it is.
/// </summary>
internal sealed class NodeImageBuilder(IEngineBuilder inner) : IImageBuilder
{
    private static readonly TimeSpan LoadLimit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LostFor = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, long> _lost = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<object, bool> _warned = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<IReadOnlyDictionary<string, ImageBuildRequest>, Task<NodeLease>> _sets = new(ReferenceEqualityComparer.Instance);

    public async Task<ImageBuildResult> BuildAsync(CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        if (build is { Set: { } together, Retries: > 0 } && _warned.TryAdd(together, true))
        {
            poster.Warning("-Retry does not apply to definitions that are built together, because they share contexts and results on one node. When that node is lost, their builds fail.");
        }

        if (build.Engine is not { } engine)
        {
            return await inner.BuildAsync(build, poster, cancellationToken).ConfigureAwait(false);
        }

        // A single node without an address is found by discovery, which says when it uses another engine.
        if (engine.Nodes.Count == 1 && build.Address is null)
        {
            return await OnDiscoveredAsync(build, engine, poster, cancellationToken).ConfigureAwait(false);
        }

        Dictionary<string, Node> nodes = NodesOf(engine, build.Connect);
        try
        {
            return await OnNodesAsync(build, nodes, poster, cancellationToken).ConfigureAwait(false);
        }
        catch (BuildErrorException error) when (build.Address is null && !cancellationToken.IsCancellationRequested && NodeLosses.Of(error) == NodeLoss.NotReached && nodes.Keys.All(IsLost))
        {
            poster.Verbose($"{build.Name}: no node of the engine '{engine.Name}' can be reached.");
            return await OnDiscoveredAsync(build, engine, poster, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask DisconnectAsync()
    {
        lock (_sets)
        {
            foreach (Task<NodeLease> lease in _sets.Values.Where(static l => l.IsCompletedSuccessfully))
            {
                lease.Result.Dispose();
            }

            _sets.Clear();
        }

        return inner.DisconnectAsync();
    }

    public void Dispose()
    {
        DisconnectAsync().AsTask().GetAwaiter().GetResult();
        inner.Dispose();
    }

    /// <summary>Builds on the engine that the search finds: without the caches of the named engine, where that is another one.</summary>
    private async Task<ImageBuildResult> OnDiscoveredAsync(CheckedBuild build, BuildKitEngine engine, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        if ((engine.CacheFrom.Count > 0 || engine.CacheTo.Count > 0)
            && !(await inner.ConnectAsync(null, build.Connect, poster, cancellationToken).ConfigureAwait(false)).IsOfFirstPlace)
        {
            poster.Verbose($"{build.Name}: the caches of the engine '{engine.Name}' are not used on another engine.");
            build = build with { Request = build.RequestElsewhere, Set = build.SetElsewhere };
        }

        return await inner.BuildAsync(build, poster, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ImageBuildResult> OnNodesAsync(CheckedBuild build, Dictionary<string, Node> nodes, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        if (build.Set is { } set)
        {
            Node node = nodes[(await NodeOfAsync(set, build, nodes, poster, cancellationToken).ConfigureAwait(false)).Node];
            return await inner.BuildAsync(build with { Address = node.Address, Connect = node.Options }, poster, cancellationToken).ConfigureAwait(false);
        }

        IReadOnlyList<string> platforms = build.Request.Platforms;
        if (platforms.Count == 0 || nodes.Count == 1)
        {
            return await OnOneAsync(build, nodes, Alike(nodes), poster, cancellationToken).ConfigureAwait(false);
        }

        IReadOnlyList<NodePlatforms> reached = await PlatformsAsync(platforms, nodes, poster, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<PlatformGroup> groups = PlatformDivision.Divide(platforms, reached);
        if (groups.Count > 1 && !JoinedBuildPlan.CanJoin(build.Request))
        {
            poster.Verbose($"{build.Name}: an output of the build cannot be joined from several nodes; all platforms are built on one.");
            groups = [new PlatformGroup(platforms, PlatformDivision.ForAll(platforms, reached))];
        }

        return groups is [var only]
            ? await OnOneAsync(build, nodes, only.Nodes, poster, cancellationToken).ConfigureAwait(false)
            : await JoinedNodeBuild.RunAsync(build, groups, (part, group, stop) => OnOneAsync(part, nodes, group.Nodes, poster, stop), poster, cancellationToken).ConfigureAwait(false);
    }

    private static Dictionary<string, Node> NodesOf(BuildKitEngine engine, EngineConnectOptions options)
    {
        try
        {
            return NamedNodes.Of(engine, options).DistinctBy(static n => n.Address).ToDictionary(static n => n.Address.ToString(), static n => new Node(n.Address, n.Options, n.Node.GetPlatforms()), StringComparer.Ordinal);
        }
        catch (EngineConnectException exception)
        {
            throw EngineErrors.From(exception);
        }
    }

    /// <summary>Builds on one of the candidates. A node that cannot be reached, or is lost where the build may be repeated, is replaced by another.</summary>
    private async Task<ImageBuildResult> OnOneAsync(CheckedBuild build, Dictionary<string, Node> nodes, IReadOnlyList<string> candidates, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        int retries = build.Retries;
        List<string> left = [.. candidates];
        while (true)
        {
            string[] there = [.. left.Where(n => !IsLost(n))];
            IReadOnlyList<string> available = there.Length > 0 ? there : left;
            IReadOnlyDictionary<string, int>? others = available.Count > 1 ? await OthersAsync(available, nodes, poster, cancellationToken).ConfigureAwait(false) : null;
            using NodeLease lease = NodeChoice.Take(build.Request.ContextPath, available, others);
            Node node = nodes[lease.Node];
            if (candidates.Count > 1)
            {
                poster.Verbose($"{build.Name}: the node is {lease.Node}.");
            }

            try
            {
                return await inner.BuildAsync(build with { Address = node.Address, Connect = node.Options }, poster, cancellationToken).ConfigureAwait(false);
            }
            catch (BuildErrorException error) when (!cancellationToken.IsCancellationRequested && NodeLosses.Of(error) is var loss and not NodeLoss.None)
            {
                _lost[lease.Node] = Environment.TickCount64;
                left.Remove(lease.Node);
                if (left.Count == 0 || (loss == NodeLoss.DuringBuild && retries-- <= 0))
                {
                    throw;
                }

                string what = loss == NodeLoss.NotReached ? "cannot be reached" : "was lost during the build";
                poster.Warning($"{build.Name}: the node {lease.Node} {what}, and the build is sent to another. {error.Message}");
            }
        }
    }

    private bool IsLost(string node) => _lost.TryGetValue(node, out long at) && Environment.TickCount64 - at < LostFor.TotalMilliseconds;

    /// <summary>Without platforms, nodes of another platform than the first would make another image.</summary>
    private static IReadOnlyList<string> Alike(Dictionary<string, Node> nodes)
    {
        string? first = nodes.Values.First().Platforms.FirstOrDefault();
        return [.. nodes.Where(n => first is null ? n.Value.Platforms.Count == 0 : n.Value.Platforms.Contains(first, StringComparer.Ordinal)).Select(static n => n.Key)];
    }

    // All builds of a set use each other's results and contexts.
    private Task<NodeLease> NodeOfAsync(
        IReadOnlyDictionary<string, ImageBuildRequest> set, CheckedBuild build, Dictionary<string, Node> nodes, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        lock (_sets)
        {
            if (!_sets.TryGetValue(set, out Task<NodeLease>? lease))
            {
                lease = TakeReachableAsync(build, nodes, poster, cancellationToken);
                _sets.Add(set, lease);
            }

            return lease;
        }
    }

    private async Task<NodeLease> TakeReachableAsync(CheckedBuild build, Dictionary<string, Node> nodes, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        List<string> left = [.. Alike(nodes)];
        while (true)
        {
            NodeLease lease = NodeChoice.Take(build.Request.ContextPath, left);
            try
            {
                _ = await inner.ConnectAsync(nodes[lease.Node].Address, nodes[lease.Node].Options, poster, cancellationToken).ConfigureAwait(false);
                return lease;
            }
            catch (BuildErrorException error) when (NodeLosses.Of(error) != NodeLoss.None)
            {
                lease.Dispose();
                _lost[lease.Node] = Environment.TickCount64;
                left.Remove(lease.Node);
                if (left.Count == 0)
                {
                    throw;
                }

                poster.Warning($"The node {lease.Node} cannot be reached, and the builds are sent to another. {error.Message}");
            }
            catch
            {
                lease.Dispose();
                throw;
            }
        }
    }

    /// <summary>The platforms of the nodes that can be reached.</summary>
    /// <exception cref="BuildErrorException">None can be reached, or one that a platform needs cannot; its error.</exception>
    private async Task<IReadOnlyList<NodePlatforms>> PlatformsAsync(IReadOnlyList<string> wanted, Dictionary<string, Node> nodes, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        ConcurrentDictionary<string, BuildErrorException> errors = new(StringComparer.Ordinal);
        NodePlatforms?[] found = await Task.WhenAll(nodes.Select(async pair =>
        {
            try
            {
                return new NodePlatforms(pair.Key, pair.Value.Platforms, (await inner.ConnectAsync(pair.Value.Address, pair.Value.Options, poster, cancellationToken).ConfigureAwait(false)).Platforms);
            }
            catch (BuildErrorException error) when (NodeLosses.Of(error) != NodeLoss.None)
            {
                if (!IsLost(pair.Key))
                {
                    poster.Warning($"The node {pair.Key} cannot be reached. {error.Message}");
                }

                _lost[pair.Key] = Environment.TickCount64;
                errors[pair.Key] = error;
                return null;
            }
        })).ConfigureAwait(false);
        NodePlatforms[] there = [.. found.OfType<NodePlatforms>()];
        if (there.Length == 0)
        {
            throw errors.Values.First();
        }

        // Another node would get steps that it cannot run.
        NodePlatforms[] gone = [.. nodes.Where(n => errors.ContainsKey(n.Key)).Select(static n => new NodePlatforms(n.Key, n.Value.Platforms, []))];
        return PlatformDivision.FindNeeded(wanted, there, gone) is { } needed ? throw errors[needed] : there;
    }

    /// <summary>The running builds of other clients, as far as the nodes tell in a short time.</summary>
    private async Task<IReadOnlyDictionary<string, int>> OthersAsync(IReadOnlyList<string> names, Dictionary<string, Node> nodes, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        ConcurrentDictionary<string, int> others = new(StringComparer.Ordinal);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LoadLimit);
        await Task.WhenAll(names.Select(async name =>
        {
            try
            {
                int running = await inner.CountRunningAsync(nodes[name].Address, nodes[name].Options, poster, limit.Token, cancellationToken).ConfigureAwait(false);
                others[name] = Math.Max(0, running - NodeChoice.RunningOn(name));
            }
            catch (Exception) when (!cancellationToken.IsCancellationRequested)
            {
                // An engine without a history, or one that does not answer: only the builds of this process count.
            }
        })).ConfigureAwait(false);
        return others;
    }

    private sealed record Node(EngineAddress Address, EngineConnectOptions Options, IReadOnlyList<string> Platforms);
}
