using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;

namespace OpenCloud.Build.Nodes;

/// <summary>A node of a named engine: how it is reached, and the platforms that it is registered for.</summary>
internal sealed record FleetNode(EngineAddress Address, EngineConnectOptions Options, IReadOnlyList<string> Platforms)
{
    /// <summary>The nodes of an engine by their addresses.</summary>
    /// <exception cref="Errors.BuildErrorException">The file of named engines has an invalid address.</exception>
    public static Dictionary<string, FleetNode> Of(BuildKitEngine engine, EngineConnectOptions options)
    {
        try
        {
            return NamedNodes.Of(engine, options).DistinctBy(static n => n.Address).ToDictionary(static n => n.Address.ToString(), static n => new FleetNode(n.Address, n.Options, n.Node.GetPlatforms()), StringComparer.Ordinal);
        }
        catch (EngineConnectException exception)
        {
            throw EngineErrors.From(exception);
        }
    }

    /// <summary>Without platforms, nodes of another platform than the first would make another image.</summary>
    public static IReadOnlyList<string> Alike(Dictionary<string, FleetNode> nodes)
    {
        string? first = nodes.Values.First().Platforms.FirstOrDefault();
        return [.. nodes.Where(n => first is null ? n.Value.Platforms.Count == 0 : n.Value.Platforms.Contains(first, StringComparer.Ordinal)).Select(static n => n.Key)];
    }

    /// <summary>The build on this node.</summary>
    public CheckedBuild Place(CheckedBuild build) => build with { Address = Address, Connect = Options };
}
