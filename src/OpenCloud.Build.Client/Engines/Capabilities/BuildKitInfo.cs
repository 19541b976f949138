using System.Globalization;
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

    /// <summary>The ids of the workers; builds use the first one.</summary>
    public IReadOnlyList<string> Workers => TextList<string>.Of([.. WorkerRecords.Select(static w => w.Id)]);

    /// <summary>The platforms of the first worker.</summary>
    public IReadOnlyList<string> Platforms => First?.Platforms ?? TextList<string>.Empty;

    /// <summary>The snapshotter of the first worker.</summary>
    public string? Snapshotter => First?.Snapshotter;

    /// <summary>The executor of the first worker: <c>oci</c> or <c>containerd</c>.</summary>
    public string? Executor => First?.Executor;

    /// <summary>The containerd namespace of the images; null when the worker does not use containerd.</summary>
    public string? Namespace => First?.Namespace;

    /// <summary>The garbage collection rules of the first worker, in order.</summary>
    public IReadOnlyList<BuildCachePolicy> GCPolicy => First?.GCPolicy ?? TextList<BuildCachePolicy>.Empty;

    /// <summary>The labels of the first worker.</summary>
    public IReadOnlyDictionary<string, string> Labels => First?.Labels ?? TextMap.Empty;

    internal IReadOnlyList<BuildKitWorker> WorkerRecords { get; init; } = [];

    private BuildKitWorker? First => WorkerRecords.Count > 0 ? WorkerRecords[0] : null;

    /// <summary>The workers. A method, so that a file has no second copy of their properties.</summary>
    public IReadOnlyList<BuildKitWorker> GetWorkers() => WorkerRecords;

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
    public IReadOnlyList<string> Platforms { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>Its labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init => field = TerminalText.Plain(value); } = TextMap.Empty;

    /// <summary>The garbage collection rules of the worker, in order.</summary>
    public IReadOnlyList<BuildCachePolicy> GCPolicy { get; init => field = TextList<BuildCachePolicy>.Of(value); } = TextList<BuildCachePolicy>.Empty;

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
/// <param name="Filter">The records that the rule covers, such as <c>type==source.local</c>; all when empty.</param>
/// <param name="KeepDuration">Records used within this time stay; zero for no such limit.</param>
/// <param name="ReservedSpace">The bytes that always stay. Before 0.17: the target size in bytes.</param>
/// <param name="MaxUsedSpace">The target size in bytes; zero for no such limit, and before 0.17.</param>
/// <param name="MinFreeSpace">The bytes to leave free on the disk if possible; zero for no such limit, and before 0.17.</param>
public sealed record BuildCachePolicy(bool All, string Filter, TimeSpan KeepDuration, long ReservedSpace, long MaxUsedSpace, long MinFreeSpace)
{
    /// <summary>Whether the rule also covers internal records and those shared with images.</summary>
    public bool All { get; init; } = All;

    /// <summary>The records that the rule covers, such as <c>type==source.local</c>; all when empty.</summary>
    public string Filter { get; init => field = TerminalText.Name(value); } = TerminalText.Name(Filter);

    /// <summary>Records used within this time stay; zero for no such limit.</summary>
    public TimeSpan KeepDuration { get; init; } = KeepDuration;

    /// <summary>The bytes that always stay. Before 0.17: the target size in bytes.</summary>
    public long ReservedSpace { get; init; } = ReservedSpace;

    /// <summary>The target size in bytes; zero for no such limit, and before 0.17.</summary>
    public long MaxUsedSpace { get; init; } = MaxUsedSpace;

    /// <summary>The bytes to leave free on the disk if possible; zero for no such limit, and before 0.17.</summary>
    public long MinFreeSpace { get; init; } = MinFreeSpace;

    /// <summary>The rule in one line: <c>type==source.local, unused for 2 days, use at most 512 MiB</c>.</summary>
    public override string ToString()
    {
        List<string> parts = [Filter.Length > 0 ? Filter : All ? "all records" : "unshared records"];
        if (KeepDuration > TimeSpan.Zero)
        {
            parts.Add($"unused for {Duration(KeepDuration)}");
        }

        AddBytes("keep {0}", ReservedSpace);
        AddBytes("use at most {0}", MaxUsedSpace);
        AddBytes("leave {0} free", MinFreeSpace);
        return string.Join(", ", parts);

        void AddBytes(string what, long bytes)
        {
            if (bytes > 0)
            {
                parts.Add(string.Format(CultureInfo.InvariantCulture, what, ByteText.Of(bytes)));
            }
        }

        static string Duration(TimeSpan time)
        {
            (double value, string unit) = time.TotalDays >= 2 ? (time.TotalDays, "days") : time.TotalHours >= 2 ? (time.TotalHours, "hours") : (time.TotalMinutes, "minutes");
            return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {unit}");
        }
    }
}
