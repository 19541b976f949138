using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Capabilities;

/// <summary>What an engine reports about itself.</summary>
public sealed record BuildKitInfo
{
    /// <summary>The engine's address.</summary>
    public required string Address { get; init; }

    /// <summary>The source of the address: <c>given</c>, <c>$BUILDKIT_HOST</c>, …</summary>
    public string Source { get; init; } = string.Empty;

    /// <summary>The version; null when not reported, as by the BuildKit inside some Docker Engines.</summary>
    public string? Version { get; init => field = TerminalText.Name(value); }

    /// <summary>The commit of the engine's source; null when not reported.</summary>
    public string? Revision { get; init => field = TerminalText.Name(value); }

    /// <summary>The Go package of the engine; null when not reported.</summary>
    public string? Package { get; init => field = TerminalText.Name(value); }

    /// <summary>Whether it is the BuildKit inside a Docker Engine.</summary>
    public bool IsDockerEngine { get; init; }

    /// <summary>The workers; builds use the first one.</summary>
    public IReadOnlyList<BuildKitWorker> Workers { get; init; } = [];

    /// <summary>The platforms of the first worker.</summary>
    public IReadOnlyList<string> Platforms => Workers.Count > 0 ? Workers[0].Platforms : [];

    /// <summary>The snapshotter of the first worker.</summary>
    public string? Snapshotter => Workers.Count > 0 ? Workers[0].Snapshotter : null;

    /// <summary>The executor of the first worker: <c>oci</c> or <c>containerd</c>.</summary>
    public string? Executor => Workers.Count > 0 ? Workers[0].Executor : null;

    /// <summary>The containerd namespace of the images; null when the worker does not use containerd.</summary>
    public string? Namespace => Workers.Count > 0 ? Workers[0].Namespace : null;

    /// <summary>The garbage collection rules of the first worker, in order.</summary>
    public IReadOnlyList<BuildCachePolicy> GCPolicy => Workers.Count > 0 ? Workers[0].GCPolicy : [];

    /// <summary>The labels of the first worker.</summary>
    public IReadOnlyDictionary<string, string> Labels => Workers.Count > 0 ? Workers[0].Labels : new Dictionary<string, string>();

    /// <inheritdoc/>
    public override string ToString() => Address;
}

/// <summary>A worker of an engine.</summary>
public sealed record BuildKitWorker
{
    /// <summary>The worker's id, which survives a restart.</summary>
    public required string Id { get; init => field = TerminalText.Name(value); }

    /// <summary>The address of its engine.</summary>
    public required string Address { get; init; }

    /// <summary>The version of its engine; null when not reported.</summary>
    public string? Version { get; init => field = TerminalText.Name(value); }

    /// <summary>The platforms that it builds for, its own first.</summary>
    public IReadOnlyList<string> Platforms { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>Its labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init => field = TerminalText.Plain(value); } = new Dictionary<string, string>();

    /// <summary>The garbage collection rules of the worker, in order.</summary>
    public IReadOnlyList<BuildCachePolicy> GCPolicy { get; init; } = [];

    /// <summary>The executor: <c>oci</c> or <c>containerd</c>; null when not reported.</summary>
    public string? Executor => Label("executor");

    /// <summary>The snapshotter; null when not reported.</summary>
    public string? Snapshotter => Label("snapshotter");

    /// <summary>The network mode: <c>cni</c>, <c>host</c>, …; null when not reported.</summary>
    public string? Network => Label("network");

    /// <summary>The host name of its machine; null when not reported.</summary>
    public string? Hostname => Label("hostname");

    /// <summary>The containerd namespace; null when the worker does not use containerd.</summary>
    public string? Namespace => Label("containerd.namespace");

    /// <inheritdoc/>
    public override string ToString() => Id;

    // moby/buildkit, worker/label/label.go; a Docker Engine's worker uses its own prefix for some.
    private string? Label(string name) => Labels.GetValueOrDefault("org.mobyproject.buildkit.worker." + name);
}

/// <summary>A garbage collection rule of a worker's cache.</summary>
/// <param name="All">Whether the rule also covers internal records and those shared with images.</param>
/// <param name="Filters">The records that the rule covers; all when empty.</param>
/// <param name="KeepDuration">Records used within this time stay; zero for no such limit.</param>
/// <param name="ReservedSpace">The bytes that always stay. Before 0.17: the target size in bytes.</param>
/// <param name="MaxUsedSpace">The target size in bytes; zero for no such limit, and before 0.17.</param>
/// <param name="MinFreeSpace">The bytes to leave free on the disk if possible; zero for no such limit, and before 0.17.</param>
public sealed record BuildCachePolicy(bool All, IReadOnlyList<string> Filters, TimeSpan KeepDuration, long ReservedSpace, long MaxUsedSpace, long MinFreeSpace)
{
    /// <summary>Whether the rule also covers internal records and those shared with images.</summary>
    public bool All { get; init; } = All;

    /// <summary>The records that the rule covers; all when empty.</summary>
    public IReadOnlyList<string> Filters { get; init => field = TerminalText.Names(value); } = TerminalText.Names(Filters);

    /// <summary>Records used within this time stay; zero for no such limit.</summary>
    public TimeSpan KeepDuration { get; init; } = KeepDuration;

    /// <summary>The bytes that always stay. Before 0.17: the target size in bytes.</summary>
    public long ReservedSpace { get; init; } = ReservedSpace;

    /// <summary>The target size in bytes; zero for no such limit, and before 0.17.</summary>
    public long MaxUsedSpace { get; init; } = MaxUsedSpace;

    /// <summary>The bytes to leave free on the disk if possible; zero for no such limit, and before 0.17.</summary>
    public long MinFreeSpace { get; init; } = MinFreeSpace;

    /// <inheritdoc/>
    public override string ToString()
    {
        List<string> parts = [];
        if (All)
        {
            parts.Add("all");
        }

        parts.AddRange(Filters);
        if (KeepDuration > TimeSpan.Zero)
        {
            parts.Add($"unused for {KeepDuration}");
        }

        AddBytes("reserved", ReservedSpace);
        AddBytes("at most", MaxUsedSpace);
        AddBytes("free", MinFreeSpace);
        return string.Join(", ", parts);

        void AddBytes(string what, long bytes)
        {
            if (bytes > 0)
            {
                parts.Add($"{what} {bytes >> 20} MiB");
            }
        }
    }
}
