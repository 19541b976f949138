using System.Collections.Concurrent;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Fleet;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Nodes;

/// <summary>
/// Runs each build on a node of its named engine: the one that its context prefers, unless that is busy or gone. Platforms go to the nodes that have
/// them, and their results are joined. Builds of a set that need each other are on one node. A build on any other engine is passed on as it is.
/// </summary>
internal sealed class NodeImageBuilder(IEngineBuilder inner) : IImageBuilder
{
    private readonly NodeFleet _fleet = new(inner);
    private readonly ConcurrentDictionary<object, bool> _warned = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<IReadOnlyDictionary<string, ImageBuildRequest>, SetNodes> _sets = new(ReferenceEqualityComparer.Instance);

    public async Task<ImageBuildResult> BuildAsync(CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        if (build is { Set: { } together, Retries: > 0, Engine: not { Nodes.Count: > 1 } } && _warned.TryAdd(together, true))
        {
            poster.Warning("-Retry does not apply: the engine has only one node. When it is lost, the builds fail.");
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

        Dictionary<string, FleetNode> nodes = FleetNode.Of(engine, build.Connect);
        if (build.Set is not null && GroupOf(build, engine, nodes) is { } group)
        {
            return await group.BuildAsync(build, poster, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await OnNodesAsync(build with { Set = null }, nodes, poster, cancellationToken).ConfigureAwait(false);
        }
        catch (BuildErrorException error) when (build.Address is null && !cancellationToken.IsCancellationRequested && NodeLosses.Of(error) == NodeLoss.NotReached && nodes.Keys.All(_fleet.IsLost))
        {
            poster.Verbose($"{build.Name}: no node of the engine '{engine.Name}' can be reached.");
            return await OnDiscoveredAsync(build, engine, poster, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask DisconnectAsync()
    {
        lock (_sets)
        {
            foreach (SetNodes set in _sets.Values)
            {
                set.Dispose();
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

    private async Task<ImageBuildResult> OnNodesAsync(CheckedBuild build, Dictionary<string, FleetNode> nodes, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> platforms = build.Request.Platforms;
        if (platforms.Count == 0 || nodes.Count == 1)
        {
            return await OnOneAsync(build, nodes, FleetNode.Alike(nodes), poster, cancellationToken).ConfigureAwait(false);
        }

        IReadOnlyList<NodePlatforms> reached = await _fleet.PlatformsAsync(platforms, nodes, poster, cancellationToken).ConfigureAwait(false);
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

    /// <summary>Builds on one of the candidates. A node that cannot be reached, or is lost where the build may be repeated, is replaced by another.</summary>
    private async Task<ImageBuildResult> OnOneAsync(CheckedBuild build, Dictionary<string, FleetNode> nodes, IReadOnlyList<string> candidates, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        int retries = build.Retries;
        List<string> left = [.. candidates];
        while (true)
        {
            using NodeLease lease = await _fleet.TakeAsync(build.Request.ContextPath, left, nodes, poster, cancellationToken).ConfigureAwait(false);
            if (candidates.Count > 1)
            {
                poster.Verbose($"{build.Name}: the node is {lease.Node}.");
            }

            try
            {
                return await inner.BuildAsync(nodes[lease.Node].Place(build), poster, cancellationToken).ConfigureAwait(false);
            }
            catch (BuildErrorException error) when (!cancellationToken.IsCancellationRequested && NodeLosses.Of(error) is var loss and not NodeLoss.None)
            {
                _fleet.Lose(lease.Node);
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

    /// <summary>The builds of a set that are on one node with this one; null where it needs nothing of others.</summary>
    private SetGroup? GroupOf(CheckedBuild build, BuildKitEngine engine, Dictionary<string, FleetNode> nodes)
    {
        lock (_sets)
        {
            if (!_sets.TryGetValue(build.Set!, out SetNodes? set))
            {
                set = new SetNodes(inner, _fleet, engine, nodes, build);
                _sets.Add(build.Set!, set);
            }

            return set.GroupOf(build.Target!);
        }
    }
}
