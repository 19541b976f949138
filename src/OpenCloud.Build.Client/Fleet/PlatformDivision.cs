using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Fleet;

/// <summary>The platforms of a node.</summary>
/// <param name="Node">Its address.</param>
/// <param name="Registered">The platforms that it was registered for; empty for none.</param>
/// <param name="Reported">The platforms that its worker reports, its own first; some may be emulated.</param>
public sealed record NodePlatforms(string Node, IReadOnlyList<string> Registered, IReadOnlyList<string> Reported);

/// <summary>Platforms that are built together, and the nodes that can build them.</summary>
/// <param name="Platforms">The platforms.</param>
/// <param name="Nodes">The addresses of the nodes, in the order of the input.</param>
public sealed record PlatformGroup(IReadOnlyList<string> Platforms, IReadOnlyList<string> Nodes);

/// <summary>Divides the platforms of a build among nodes, without I/O.</summary>
public static class PlatformDivision
{
    /// <summary>
    /// Each platform goes to a node that has it natively: one registered for it, or whose own platform has its architecture. If there is none, to
    /// one whose worker reports it, and else to any. Platforms that one node can build stay together.
    /// </summary>
    /// <param name="platforms">The platforms of the build.</param>
    /// <param name="nodes">The nodes that are available.</param>
    public static IReadOnlyList<PlatformGroup> Divide(IReadOnlyList<string> platforms, IReadOnlyList<NodePlatforms> nodes)
    {
        ArgumentNullException.ThrowIfNull(platforms);
        ArgumentNullException.ThrowIfNull(nodes);
        List<PlatformGroup> groups = [];
        foreach (string platform in platforms)
        {
            IReadOnlyList<string> candidates = Candidates(Platform.Parse(platform), nodes);
            int at = groups.FindIndex(g => g.Nodes.Any(candidates.Contains));
            if (at < 0)
            {
                groups.Add(new PlatformGroup([platform], candidates));
            }
            else
            {
                groups[at] = new PlatformGroup([.. groups[at].Platforms, platform], [.. groups[at].Nodes.Where(candidates.Contains)]);
            }
        }

        return groups;
    }

    /// <summary>
    /// The node that is lost and that a platform needs: no available node has the platform or reports it, and the lost one is registered for it, or
    /// for none, so that its worker may have it. Null when no lost node is needed.
    /// </summary>
    /// <param name="platforms">The platforms of the build.</param>
    /// <param name="available">The nodes that are available.</param>
    /// <param name="lost">The nodes that cannot be reached; what they report is not known.</param>
    public static string? FindNeeded(IReadOnlyList<string> platforms, IReadOnlyList<NodePlatforms> available, IReadOnlyList<NodePlatforms> lost)
    {
        ArgumentNullException.ThrowIfNull(platforms);
        ArgumentNullException.ThrowIfNull(available);
        ArgumentNullException.ThrowIfNull(lost);
        return platforms.Select(Platform.Parse).Where(platform => !available.Any(n => IsAble(platform, n)))
            .Select(platform => (lost.FirstOrDefault(n => n.Registered.Any(r => Is(r, platform))) ?? lost.FirstOrDefault(static n => n.Registered.Count == 0))?.Node)
            .FirstOrDefault(static n => n is not null);
    }

    /// <summary>The nodes that can build all of the platforms, or all nodes when none can.</summary>
    /// <param name="platforms">The platforms of the build.</param>
    /// <param name="nodes">The nodes that are available.</param>
    public static IReadOnlyList<string> ForAll(IReadOnlyList<string> platforms, IReadOnlyList<NodePlatforms> nodes)
    {
        ArgumentNullException.ThrowIfNull(platforms);
        ArgumentNullException.ThrowIfNull(nodes);
        string[] able = [.. nodes.Where(n => platforms.Select(Platform.Parse).All(p => IsAble(p, n))).Select(static n => n.Node)];
        return able.Length > 0 ? able : [.. nodes.Select(static n => n.Node)];
    }

    /// <summary>The platforms that a node does not have natively, and that another node has.</summary>
    /// <param name="platforms">The platforms of the build.</param>
    /// <param name="node">The address of the node.</param>
    /// <param name="nodes">The nodes that are available.</param>
    public static IReadOnlyList<string> NativeElsewhere(IReadOnlyList<string> platforms, string node, IReadOnlyList<NodePlatforms> nodes)
    {
        ArgumentNullException.ThrowIfNull(platforms);
        ArgumentNullException.ThrowIfNull(nodes);
        return [.. platforms.Where(p => nodes.Any(n => IsNative(Platform.Parse(p), n)) && !nodes.Any(n => n.Node == node && IsNative(Platform.Parse(p), n)))];
    }

    private static bool IsAble(Platform platform, NodePlatforms node) => IsNative(platform, node) || node.Reported.Any(r => Is(r, platform));

    private static IReadOnlyList<string> Candidates(Platform platform, IReadOnlyList<NodePlatforms> nodes)
    {
        string[] native = [.. nodes.Where(n => IsNative(platform, n)).Select(static n => n.Node)];
        string[] able = native.Length > 0 ? native : [.. nodes.Where(n => n.Reported.Any(r => Is(r, platform))).Select(static n => n.Node)];
        return able.Length > 0 ? able : [.. nodes.Select(static n => n.Node)];
    }

    private static bool IsNative(Platform platform, NodePlatforms node) => node.Registered.Count > 0
        ? node.Registered.Any(r => Is(r, platform))
        : node.Reported is [var own, ..] && Platform.TryParse(own, out Platform? of, out _) && of.OperatingSystem == platform.OperatingSystem && of.Architecture == platform.Architecture;

    private static bool Is(string text, Platform platform) => Platform.TryParse(text, out Platform? other, out _) && other.Matches(platform);
}
