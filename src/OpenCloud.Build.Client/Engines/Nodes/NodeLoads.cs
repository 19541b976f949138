namespace OpenCloud.Build.Client.Engines.Nodes;

/// <summary>
/// Chooses a node for a build: the first of its key's ranking that is not busy. A node is busy when it runs its bound of builds, the
/// average with one more build times 1.25, rounded up (Mirrokni, Thorup and Zadimoghaddam, "Consistent hashing with bounded loads", 2016). So the same
/// key returns to the same node, and no node gets much more than its share. One node is always below the bound.
/// </summary>
internal sealed class NodeLoads
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _running = new(StringComparer.Ordinal);

    /// <summary>The builds that hold a lease of a node.</summary>
    public int Of(string node)
    {
        lock (_lock)
        {
            return _running.GetValueOrDefault(node);
        }
    }

    /// <summary>Takes a node for one build, until the lease is disposed.</summary>
    /// <param name="key">What the node is chosen for, for example the path of a context.</param>
    /// <param name="nodes">The names of the nodes that are available now, each once.</param>
    /// <param name="others">The builds of others on the nodes, as far as they are known; a node that is missing has none.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="nodes"/> is empty.</exception>
    public Lease Take(string key, IReadOnlyList<string> nodes, IReadOnlyDictionary<string, int>? others = null)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        ArgumentOutOfRangeException.ThrowIfZero(nodes.Count, nameof(nodes));
        IReadOnlyList<string> ranked = NodeRanking.Rank(key, nodes);
        lock (_lock)
        {
            int Load(string node) => _running.GetValueOrDefault(node) + Math.Max(0, others?.GetValueOrDefault(node) ?? 0);
            long bound = Bound(ranked.Sum(node => (long)Load(node)), ranked.Count);
            string chosen = ranked.First(node => Load(node) < bound);
            _running[chosen] = _running.GetValueOrDefault(chosen) + 1;
            return new Lease(this, chosen);
        }
    }

    /// <summary>How many builds a node may run when one more is added to so many on all nodes.</summary>
    internal static long Bound(long running, int nodes) => ((5 * (running + 1)) + (4L * nodes) - 1) / (4L * nodes);

    private void Leave(string node)
    {
        lock (_lock)
        {
            if (--_running[node] == 0)
            {
                _running.Remove(node);
            }
        }
    }

    /// <summary>One build's use of a node.</summary>
    internal sealed class Lease(NodeLoads loads, string node) : IDisposable
    {
        private int _left;

        /// <summary>The name of the node.</summary>
        public string Node => node;

        /// <summary>Ends the use; repeated calls do nothing.</summary>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                loads.Leave(node);
            }
        }
    }
}
