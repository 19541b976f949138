using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Builds;

/// <summary>A finished build.</summary>
public sealed class ImageBuildResult
{
    /// <summary>The references the image got, in full (<c>docker.io/library/app:1</c>).</summary>
    public IReadOnlyList<string> References { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The digest of the manifest or index, <c>sha256:…</c>; null when the exporter tells none, or no image was made.</summary>
    public string? Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The digest of the image's config; null for an index or when the exporter tells none.</summary>
    public string? ConfigDigest { get; init => field = TerminalText.Name(value); }

    /// <summary>The address of the engine that built it.</summary>
    public string Engine { get; init; } = string.Empty;

    /// <summary>The address of the store that the image is in; null when it is in none, or in one that is not known here.</summary>
    public string? Store { get; init; }

    /// <summary>containerd's namespace that the image is in; null when there is none.</summary>
    public string? Namespace { get; init => field = TerminalText.Name(value); }

    /// <summary>The engine's own word on its version; null when it tells none.</summary>
    public string? EngineVersion { get; init => field = TerminalText.Name(value); }

    /// <summary>The platforms built for.</summary>
    public IReadOnlyList<string> Platforms { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The context's directory.</summary>
    public string Path { get; init; } = string.Empty;

    /// <summary>From the request to the end of the build.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>When the build was begun, by this machine's clock.</summary>
    public DateTimeOffset Started { get; init; }

    /// <summary>Every step, in the order in which the daemon made them known.</summary>
    public IReadOnlyList<BuildStep> Steps { get; init; } = [];

    /// <summary>How many steps there were.</summary>
    public int StepCount => Steps.Count;

    /// <summary>How many of them came from the cache.</summary>
    public int CachedCount => Steps.Count(static s => s.Cached);

    /// <summary>What this client warns of, and the frontend's warnings.</summary>
    public IReadOnlyList<BuildWarning> Warnings { get; init; } = [];

    /// <summary>
    /// The bytes of file content that were sent to the engine. The Dockerfile and the ignore file go with every build, since the frontend
    /// asks for them so; of the context goes what changed since its last build.
    /// </summary>
    public long BytesSent { get; init; }

    /// <summary>The files whose content was sent.</summary>
    public long FilesSent { get; init; }

    /// <summary>The build's reference, by which its history is found.</summary>
    public string BuildRef { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>All that the exporter told, by its own keys.</summary>
    public IReadOnlyDictionary<string, string> ExporterResponse { get; init => field = TerminalText.Plain(value); } = new Dictionary<string, string>();

    /// <summary>The first reference; without one the digest, or the build's own reference.</summary>
    public override string ToString() => References is [var first, ..] ? first : Digest ?? BuildRef;
}
