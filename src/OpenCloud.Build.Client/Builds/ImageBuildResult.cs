using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Builds;

/// <summary>A finished build.</summary>
public sealed class ImageBuildResult
{
    /// <summary>The names of the image in the short form that people write (<c>app:1</c>).</summary>
    public IReadOnlyList<string> Names => ImageReference.Familiar(References);

    /// <summary>The full references of the image (<c>docker.io/library/app:1</c>).</summary>
    public IReadOnlyList<string> References { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>The digest of the manifest or index, <c>sha256:…</c>; null when the exporter reports none, or no image was made.</summary>
    public string? Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The digest of the image's config; null for an index or when the exporter reports none.</summary>
    public string? ConfigDigest { get; init => field = TerminalText.Name(value); }

    /// <summary>The address of the engine that ran the build.</summary>
    public string Address { get; init; } = string.Empty;

    /// <summary>The address of the store that has the image; null when no store has it, or the store is not known here.</summary>
    public string? Store { get; init; }

    /// <summary>The containerd namespace of the image; null when there is none.</summary>
    public string? Namespace { get; init => field = TerminalText.Name(value); }

    /// <summary>The version that the engine reports; null when it reports none.</summary>
    public string? EngineVersion { get; init => field = TerminalText.Name(value); }

    /// <summary>The platforms built for.</summary>
    public IReadOnlyList<string> Platforms { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>The directory of the context; an address is without its user and query.</summary>
    public string Path { get; init; } = string.Empty;

    /// <summary>The time from the request to the end of the build.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The start of the build, by this machine's clock.</summary>
    public DateTimeOffset Started { get; init; }

    /// <summary>All steps, in the order in which the daemon reported them.</summary>
    public IReadOnlyList<BuildStep> Steps { get; init => field = TextList<BuildStep>.Of(value); } = TextList<BuildStep>.Empty;

    /// <summary>The number of steps.</summary>
    public int StepCount => Steps.Count;

    /// <summary>The number of steps that came from the cache.</summary>
    public int CachedCount => Steps.Count(static s => s.Cached);

    /// <summary>The warnings of this client and of the frontend.</summary>
    public IReadOnlyList<BuildWarning> Warnings { get; init => field = TextList<BuildWarning>.Of(value); } = TextList<BuildWarning>.Empty;

    /// <summary>The number of warnings.</summary>
    public int WarningCount => Warnings.Count;

    /// <summary>
    /// The bytes of file content sent to the engine. The Dockerfile and the ignore file are sent with every build, because the frontend
    /// requests them that way. Of the context, only changes since its last build are sent.
    /// </summary>
    public long BytesSent { get; init; }

    /// <summary>The number of files whose content was sent.</summary>
    public long FilesSent { get; init; }

    /// <summary>The build's reference in the engine's history.</summary>
    public string Ref { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The exporter's whole response, by its own keys.</summary>
    public IReadOnlyDictionary<string, string> ExporterResponse { get; init => field = TerminalText.Plain(value); } = TextMap.Empty;

    /// <summary>The first reference, else the digest, else the build's own reference.</summary>
    public override string ToString() => References is [var first, ..] ? first : Digest ?? Ref;
}
