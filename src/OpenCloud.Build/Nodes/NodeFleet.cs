using System.Collections.Concurrent;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Fleet;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Nodes;

/// <summary>What a pipeline knows of nodes: which of them are lost, what their workers report, and how busy they are.</summary>
internal sealed class NodeFleet(IEngineBuilder engines)
{
    private static readonly TimeSpan LoadLimit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LostFor = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, long> _lost = new(StringComparer.Ordinal);

    public bool IsLost(string node) => _lost.TryGetValue(node, out long at) && Environment.TickCount64 - at < LostFor.TotalMilliseconds;

    /// <summary>Takes that a node is not reached: others are preferred for a while.</summary>
    public void Lose(string node) => _lost[node] = Environment.TickCount64;

    /// <summary>Takes one of the candidates for a build: not a lost one, unless all are.</summary>
    /// <param name="key">What keeps its node: the context.</param>
    /// <param name="candidates">The addresses to choose from.</param>
    /// <param name="nodes">The nodes by their addresses.</param>
    /// <param name="poster">Gets what connections report.</param>
    /// <param name="cancellationToken">Ends the questions to the nodes.</param>
    public async Task<NodeLease> TakeAsync(string key, IReadOnlyList<string> candidates, Dictionary<string, FleetNode> nodes, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        string[] there = [.. candidates.Where(n => !IsLost(n))];
        IReadOnlyList<string> available = there.Length > 0 ? there : candidates;
        IReadOnlyDictionary<string, int>? others = available.Count > 1 ? await OthersAsync(available, nodes, poster, cancellationToken).ConfigureAwait(false) : null;
        return NodeChoice.Take(key, available, others);
    }

    /// <summary>The platforms of the nodes that can be reached.</summary>
    /// <exception cref="BuildErrorException">None can be reached, or one that a platform needs cannot; its error.</exception>
    public async Task<IReadOnlyList<NodePlatforms>> PlatformsAsync(IReadOnlyList<string> wanted, Dictionary<string, FleetNode> nodes, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        ConcurrentDictionary<string, BuildErrorException> errors = new(StringComparer.Ordinal);
        NodePlatforms?[] found = await Task.WhenAll(nodes.Select(async pair =>
        {
            try
            {
                return new NodePlatforms(pair.Key, pair.Value.Platforms, (await engines.ConnectAsync(pair.Value.Address, pair.Value.Options, poster, cancellationToken).ConfigureAwait(false)).Platforms);
            }
            catch (BuildErrorException error) when (NodeLosses.Of(error) != NodeLoss.None)
            {
                if (!IsLost(pair.Key))
                {
                    poster.Warning($"The node {pair.Key} cannot be reached. {error.Message}");
                }

                Lose(pair.Key);
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
    private async Task<IReadOnlyDictionary<string, int>> OthersAsync(IReadOnlyList<string> names, Dictionary<string, FleetNode> nodes, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        ConcurrentDictionary<string, int> others = new(StringComparer.Ordinal);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LoadLimit);
        await Task.WhenAll(names.Select(async name =>
        {
            try
            {
                int running = await engines.CountRunningAsync(nodes[name].Address, nodes[name].Options, poster, limit.Token, cancellationToken).ConfigureAwait(false);
                others[name] = Math.Max(0, running - NodeChoice.RunningOn(name));
            }
            catch (Exception) when (!cancellationToken.IsCancellationRequested)
            {
                // An engine without a history, or one that does not answer: only the builds of this process count.
            }
        })).ConfigureAwait(false);
        return others;
    }
}
