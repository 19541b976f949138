using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Capabilities;

/// <summary>What an engine tells of itself.</summary>
public sealed record BuildKitInfo
{
    /// <summary>The address it was reached at.</summary>
    public required string Address { get; init; }

    /// <summary>Where the address came from: <c>given</c>, <c>$BUILDKIT_HOST</c>, …</summary>
    public string Source { get; init; } = string.Empty;

    /// <summary>Its version; nothing when it tells none, as those inside Docker Engines may.</summary>
    public string? Version { get; init => field = TerminalText.Name(value); }

    /// <summary>The commit it was built from; nothing when it tells none.</summary>
    public string? Revision { get; init => field = TerminalText.Name(value); }

    /// <summary>The Go package it was built from; nothing when it tells none.</summary>
    public string? Package { get; init => field = TerminalText.Name(value); }

    /// <summary>Whether it is the BuildKit inside a Docker Engine.</summary>
    public bool IsDockerEngine { get; init; }

    /// <summary>Its workers; the first is the one that builds use.</summary>
    public IReadOnlyList<BuildKitWorker> Workers { get; init; } = [];

    /// <summary>The platforms of the first worker.</summary>
    public IReadOnlyList<string> Platforms => Workers.Count > 0 ? Workers[0].Platforms : [];

    /// <summary>The snapshotter of the first worker.</summary>
    public string? Snapshotter => Workers.Count > 0 ? Workers[0].Snapshotter : null;

    /// <summary>What runs the steps of the first worker: <c>oci</c> or <c>containerd</c>.</summary>
    public string? Executor => Workers.Count > 0 ? Workers[0].Executor : null;

    /// <summary>The namespace of containerd that images go to; nothing when the worker is not containerd's.</summary>
    public string? Namespace => Workers.Count > 0 ? Workers[0].Namespace : null;

    /// <summary>The rules by which the first worker clears its cache, in order.</summary>
    public IReadOnlyList<BuildCachePolicy> GCPolicy => Workers.Count > 0 ? Workers[0].GCPolicy : [];

    /// <summary>The labels of the first worker.</summary>
    public IReadOnlyDictionary<string, string> Labels => Workers.Count > 0 ? Workers[0].Labels : new Dictionary<string, string>();

    /// <inheritdoc/>
    public override string ToString() => Address;
}

/// <summary>A worker of an engine.</summary>
public sealed record BuildKitWorker
{
    /// <summary>Its id, the same after a restart.</summary>
    public required string Id { get; init => field = TerminalText.Name(value); }

    /// <summary>The address of its engine.</summary>
    public required string Address { get; init; }

    /// <summary>The version of its engine, where the worker tells it.</summary>
    public string? Version { get; init => field = TerminalText.Name(value); }

    /// <summary>The platforms it builds for, its own first.</summary>
    public IReadOnlyList<string> Platforms { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>Its labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init => field = TerminalText.Plain(value); } = new Dictionary<string, string>();

    /// <summary>The rules by which it clears its cache, in order.</summary>
    public IReadOnlyList<BuildCachePolicy> GCPolicy { get; init; } = [];

    /// <summary>What runs its steps: <c>oci</c> or <c>containerd</c>; nothing when it does not tell.</summary>
    public string? Executor => Label("executor");

    /// <summary>Its snapshotter; nothing when it does not tell.</summary>
    public string? Snapshotter => Label("snapshotter");

    /// <summary>Its network: <c>cni</c>, <c>host</c>, …; nothing when it does not tell.</summary>
    public string? Network => Label("network");

    /// <summary>The machine it runs on; nothing when it does not tell.</summary>
    public string? Hostname => Label("hostname");

    /// <summary>The namespace of containerd it works in; nothing when it is not containerd's.</summary>
    public string? Namespace => Label("containerd.namespace");

    /// <inheritdoc/>
    public override string ToString() => Id;

    // moby/buildkit, worker/label/label.go; a Docker Engine's worker uses its own prefix for some.
    private string? Label(string name) => Labels.GetValueOrDefault("org.mobyproject.buildkit.worker." + name);
}

/// <summary>A rule by which a worker clears its cache.</summary>
/// <param name="All">Whether it clears internal records and those shared with images, too.</param>
/// <param name="Filters">Which records it is about; all when empty.</param>
/// <param name="KeepDuration">Records used within this time stay; zero for no such limit.</param>
/// <param name="ReservedSpace">The bytes that always stay. Before 0.17: the bytes that it clears down to.</param>
/// <param name="MaxUsedSpace">The bytes that it clears down to; zero for no such limit, and before 0.17.</param>
/// <param name="MinFreeSpace">The bytes that it tries to leave free on the disk; zero for no such limit, and before 0.17.</param>
public sealed record BuildCachePolicy(bool All, IReadOnlyList<string> Filters, TimeSpan KeepDuration, long ReservedSpace, long MaxUsedSpace, long MinFreeSpace)
{
    /// <summary>Whether it clears internal records and those shared with images, too.</summary>
    public bool All { get; init; } = All;

    /// <summary>Which records it is about; all when empty.</summary>
    public IReadOnlyList<string> Filters { get; init => field = TerminalText.Names(value); } = TerminalText.Names(Filters);

    /// <summary>Records used within this time stay; zero for no such limit.</summary>
    public TimeSpan KeepDuration { get; init; } = KeepDuration;

    /// <summary>The bytes that always stay. Before 0.17: the bytes that it clears down to.</summary>
    public long ReservedSpace { get; init; } = ReservedSpace;

    /// <summary>The bytes that it clears down to; zero for no such limit, and before 0.17.</summary>
    public long MaxUsedSpace { get; init; } = MaxUsedSpace;

    /// <summary>The bytes that it tries to leave free on the disk; zero for no such limit, and before 0.17.</summary>
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
