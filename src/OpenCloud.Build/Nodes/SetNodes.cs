using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Fleet;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Nodes;

/// <summary>The groups of one set of definitions, each of which has a node of its own.</summary>
internal sealed class SetNodes : IDisposable
{
    private readonly Dictionary<string, SetGroup> _groups = new(StringComparer.Ordinal);

    public SetNodes(IEngineBuilder engines, NodeFleet fleet, BuildKitEngine engine, Dictionary<string, FleetNode> nodes, CheckedBuild first)
    {
        IReadOnlyDictionary<string, ImageBuildRequest> requests = first.Set!;
        SetDiscovery? discovery = first.Address is null ? new SetDiscovery(engines, engine, first) : null;
        IReadOnlyList<IReadOnlyList<string>> divided = nodes.Count == 1 ? [[.. requests.Keys]] : SetDivision.Divide(requests, static r => r.Platforms.Count > 1 && JoinedBuildPlan.CanJoin(r));
        foreach (IReadOnlyList<string> names in divided.Where(static g => g.Count > 1))
        {
            SetPlacement placement = new(engines, fleet, nodes, requests[names[0]].ContextPath, discovery);
            SetGroup group = new(engines, placement, names.ToDictionary(static n => n, n => requests[n], StringComparer.Ordinal));
            foreach (string name in names)
            {
                _groups.Add(name, group);
            }
        }
    }

    /// <summary>The group of a build; null for one that needs nothing of the others.</summary>
    public SetGroup? GroupOf(string name) => _groups.GetValueOrDefault(name);

    public void Dispose()
    {
        foreach (SetGroup group in _groups.Values.Distinct())
        {
            group.Dispose();
        }
    }
}
