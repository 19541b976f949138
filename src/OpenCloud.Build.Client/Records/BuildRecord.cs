using Grpc.Core;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Records;

/// <summary>The state of a build in an engine's history.</summary>
public enum BuildRecordStatus
{
    /// <summary>The build is running.</summary>
    Running,

    /// <summary>The build succeeded.</summary>
    Completed,

    /// <summary>The build failed.</summary>
    Failed,

    /// <summary>The build was cancelled.</summary>
    Canceled,
}

/// <summary>A build in an engine's history.</summary>
public sealed record BuildRecord
{
    /// <summary>The id of the build.</summary>
    public required string Ref { get; init => field = TerminalText.Name(value); }

    /// <summary>The address of the engine.</summary>
    public required string Address { get; init; }

    /// <summary>The state of the build.</summary>
    public BuildRecordStatus Status { get; init; }

    /// <summary>The start of the build.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>The end of the build; null while it runs.</summary>
    public DateTimeOffset? Completed { get; init; }

    /// <summary>The duration of the build, so far when it is running.</summary>
    public TimeSpan? Duration => Started is { } begin ? (Completed ?? DateTimeOffset.UtcNow) - begin : null;

    /// <summary>The address of the context, or the name of its directory where the client sent it; null when the record has neither.</summary>
    public string? Context { get; init => field = TerminalText.Name(value); }

    /// <summary>The subject of the build: the image's names if any, else the context, else the Dockerfile or target.</summary>
    public string Subject { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The frontend, for example <c>dockerfile.v0</c>.</summary>
    public string Frontend { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The frontend's attributes, including build arguments.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init => field = TerminalText.Plain(value); } = TextMap.Empty;

    /// <summary>The types of the exporters.</summary>
    public IReadOnlyList<string> Exporters { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>The names of the image in the short form that people write (<c>app:1</c>).</summary>
    public IReadOnlyList<string> Names => ImageReference.Familiar(References);

    /// <summary>The full references of the image (<c>docker.io/library/app:1</c>).</summary>
    public IReadOnlyList<string> References { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>The digest of the image; null when there is none.</summary>
    public string? Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The number of steps.</summary>
    public int StepCount { get; init; }

    /// <summary>The number of steps that came from the cache.</summary>
    public int CachedCount { get; init; }

    /// <summary>The number of steps that have ended.</summary>
    public int CompletedCount { get; init; }

    /// <summary>The number of warnings. Engines before 0.17 do not count them and report zero.</summary>
    public int WarningCount { get; init; }

    /// <summary>The error message; null when the build did not fail.</summary>
    public string? Error { get; init => field = value is null ? null : TerminalText.Plain(value); }

    /// <summary>True when the record is kept while older ones are removed.</summary>
    public bool Pinned { get; init; }

    /// <summary>True when the log is available.</summary>
    public bool HasLog { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Ref;

    internal static BuildRecord From(BuildHistoryEvent happened, string engine)
    {
        BuildHistoryRecord record = happened.Record;
        bool running = happened.Type == BuildHistoryEventType.Started || record.CompletedAt is null;
        List<string> references = FindReferences(record);
        string? context = FindContext(record.FrontendAttrs);
        return new BuildRecord
        {
            Ref = record.Ref,
            Address = engine,
            Status = running ? BuildRecordStatus.Running
                : record.Error is null || record.Error.Code == 0 && record.Error.Message.Length == 0 ? BuildRecordStatus.Completed
                : record.Error.Code == (int)StatusCode.Cancelled || record.Error.Message.Contains("context canceled", StringComparison.Ordinal) ? BuildRecordStatus.Canceled
                : BuildRecordStatus.Failed,
            Started = record.CreatedAt.ToTime(),
            Completed = record.CompletedAt.ToTime(),
            Subject = TerminalText.Line(references.Count > 0 ? string.Join(", ", ImageReference.Familiar(references))
                : context is not null ? context
                : record.FrontendAttrs.GetValueOrDefault("filename") is { Length: > 0 } file ? file
                : record.FrontendAttrs.GetValueOrDefault("target") ?? record.Frontend),
            Context = context,
            Frontend = TerminalText.Line(record.Frontend),
            Attributes = new SortedDictionary<string, string>(record.FrontendAttrs, StringComparer.Ordinal),
            Exporters = [.. record.Exporters.Select(static e => e.Type)],
            References = references,
            Digest = FindDigest(record),
            StepCount = record.NumTotalSteps,
            CachedCount = record.NumCachedSteps,
            CompletedCount = record.NumCompletedSteps,
            WarningCount = record.NumWarnings,
            Error = record.Error is { Message.Length: > 0 } error ? TerminalText.Plain(error.Message) : null,
            Pinned = record.Pinned,
            HasLog = running || record.Logs is not null,
        };
    }

    private static string? FindDigest(BuildHistoryRecord record) =>
        record.ExporterResponse.GetValueOrDefault("containerimage.digest")
        ?? record.Result?.Results.OrderBy(static r => r.Key).Select(static r => r.Value).FirstOrDefault(static d => OciMediaTypes.IsIndex(d.MediaType) || OciMediaTypes.IsManifest(d.MediaType))?.Digest;

    // The second is of builds whose client sent the directory (docker/buildx, build/git.go).
    private static string? FindContext(IDictionary<string, string> attributes) =>
        attributes.TryGetValue("context", out string? address) && address.Length > 0 ? address
        : attributes.TryGetValue(GitSource.ContextDirectory, out string? directory) && directory is not ("" or ".") ? directory
        : null;

    // The exporter reports the final names; before that, the requested ones are used.
    private static List<string> FindReferences(BuildHistoryRecord record)
    {
        string? names = record.ExporterResponse.GetValueOrDefault("image.name")
            ?? record.Exporters.Select(static e => e.Attrs.GetValueOrDefault("name")).FirstOrDefault(static n => !string.IsNullOrEmpty(n));
        return [.. (names ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
    }
}
