using OpenCloud.Build.Client.Engines.Nodes;

namespace OpenCloud.Build.Client.Fleet;

/// <summary>Chooses nodes for the builds of this process: a context keeps its node, and so its cache, unless the node is busy.</summary>
public static class NodeChoice
{
    private static readonly NodeLoads Loads = new();

    /// <summary>How many builds of this process run on a node.</summary>
    /// <param name="node">Its address.</param>
    public static int RunningOn(string node) => Loads.Of(node);

    /// <summary>Takes a node for one build.</summary>
    /// <param name="key">What keeps its node: the context.</param>
    /// <param name="nodes">The addresses of the nodes that are available.</param>
    /// <param name="others">The running builds of other clients, where they are known.</param>
    /// <returns>The choice; disposing of it ends the build's part of the load.</returns>
    public static NodeLease Take(string key, IReadOnlyList<string> nodes, IReadOnlyDictionary<string, int>? others = null) => new(Loads.Take(key, nodes, others));
}

/// <summary>The node of one build.</summary>
public sealed class NodeLease : IDisposable
{
    private readonly NodeLoads.Lease _lease;

    internal NodeLease(NodeLoads.Lease lease) => _lease = lease;

    /// <summary>The address of the node.</summary>
    public string Node => _lease.Node;

    /// <summary>Ends the build's part of the load.</summary>
    public void Dispose() => _lease.Dispose();
}
