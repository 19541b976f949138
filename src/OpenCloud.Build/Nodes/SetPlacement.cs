using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Fleet;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Nodes;

/// <summary>Chooses the nodes of one group of a set: one that its context prefers and that can build all of its platforms.</summary>
internal sealed class SetPlacement(IEngineBuilder engines, NodeFleet fleet, Dictionary<string, FleetNode> nodes, string key, SetDiscovery? discovery)
{
    private readonly HashSet<string> _lost = new(StringComparer.Ordinal);
    private IReadOnlyList<string> _candidates = [];
    private BuildErrorException? _loss;
    private bool _hasWarned;

    /// <summary>Whether a node is left for another attempt.</summary>
    public bool HasOther
    {
        get
        {
            lock (_lost)
            {
                return _candidates.Any(n => !_lost.Contains(n));
            }
        }
    }

    /// <summary>Takes that a node is lost: the group does not return to it.</summary>
    public void Lose(string node, BuildErrorException loss)
    {
        fleet.Lose(node);
        lock (_lost)
        {
            _lost.Add(node);
            _loss = loss;
        }
    }

    /// <summary>Forgets which nodes are lost.</summary>
    public void Forget()
    {
        lock (_lost)
        {
            _lost.Clear();
        }
    }

    /// <summary>Chooses a node that can be reached.</summary>
    /// <exception cref="BuildErrorException">There is none; the error of the last one.</exception>
    public async Task<SetAttempt> ChooseAsync(IReadOnlyDictionary<string, ImageBuildRequest> requests, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        try
        {
            return await ChooseNodeAsync(requests, poster, cancellationToken).ConfigureAwait(false);
        }
        catch (BuildErrorException error) when (discovery is not null && !cancellationToken.IsCancellationRequested && NodeLosses.Of(error) == NodeLoss.NotReached && nodes.Keys.All(fleet.IsLost))
        {
            return await discovery.FindAsync(requests, poster, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<SetAttempt> ChooseNodeAsync(IReadOnlyDictionary<string, ImageBuildRequest> requests, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        string[] platforms = [.. requests.Values.SelectMany(static r => r.Platforms).Distinct(StringComparer.Ordinal)];
        IReadOnlyList<NodePlatforms> reached = platforms.Length == 0 || nodes.Count == 1 ? [] : await fleet.PlatformsAsync(platforms, nodes, poster, cancellationToken).ConfigureAwait(false);
        List<string> left;
        lock (_lost)
        {
            _candidates = Candidates(requests, platforms, reached);
            left = [.. _candidates.Where(n => !_lost.Contains(n))];
            if (left.Count == 0)
            {
                throw _loss!;
            }
        }

        while (true)
        {
            NodeLease lease = await fleet.TakeAsync(key, left, nodes, poster, cancellationToken).ConfigureAwait(false);
            FleetNode node = nodes[lease.Node];
            try
            {
                _ = await engines.ConnectAsync(node.Address, node.Options, poster, cancellationToken).ConfigureAwait(false);
                Tell(lease.Node, requests, platforms, reached, poster);
                return new SetAttempt(lease.Node, node.Place, requests, lease);
            }
            catch (BuildErrorException error) when (!cancellationToken.IsCancellationRequested && NodeLosses.Of(error) != NodeLoss.None)
            {
                lease.Dispose();
                Lose(lease.Node, error);
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

    private IReadOnlyList<string> Candidates(IReadOnlyDictionary<string, ImageBuildRequest> requests, IReadOnlyList<string> platforms, IReadOnlyList<NodePlatforms> reached)
    {
        IReadOnlyList<string> alike = FleetNode.Alike(nodes);
        if (reached.Count == 0)
        {
            return alike;
        }

        IReadOnlyList<string> able = PlatformDivision.Divide(platforms, reached) is [var together] ? together.Nodes : PlatformDivision.ForAll(platforms, reached);
        return requests.Values.Any(static r => r.Platforms.Count == 0) && able.Any(alike.Contains) ? [.. able.Where(alike.Contains)] : able;
    }

    private void Tell(string node, IReadOnlyDictionary<string, ImageBuildRequest> requests, IReadOnlyList<string> platforms, IReadOnlyList<NodePlatforms> reached, IPipelinePoster poster)
    {
        string names = string.Join(", ", requests.Keys);
        if (nodes.Count > 1)
        {
            poster.Verbose($"{names}: the node is {node}.");
        }

        if (PlatformDivision.NativeElsewhere(platforms, node, reached) is { Count: > 0 } emulated && !_hasWarned)
        {
            _hasWarned = true;
            poster.Warning($"{names}: the node {node} builds {string.Join(", ", emulated)}, which another node has natively. These builds use each other's results or share a context, so one node builds all of them.");
        }
    }
}
