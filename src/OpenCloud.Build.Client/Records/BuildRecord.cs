using Grpc.Core;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Records;

/// <summary>How a build of an engine's history stands.</summary>
public enum BuildRecordStatus
{
    /// <summary>It runs.</summary>
    Running,

    /// <summary>It ended well.</summary>
    Completed,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>It was cancelled.</summary>
    Canceled,
}

/// <summary>A build of an engine's history.</summary>
public sealed record BuildRecord
{
    /// <summary>Its id.</summary>
    public required string Ref { get; init => field = TerminalText.Name(value); }

    /// <summary>The address of its engine.</summary>
    public required string Engine { get; init; }

    /// <summary>How it stands.</summary>
    public BuildRecordStatus Status { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>When it ended; nothing while it runs.</summary>
    public DateTimeOffset? Completed { get; init; }

    /// <summary>How long it took, or has taken so far.</summary>
    public TimeSpan? Duration => Created is { } begin ? (Completed ?? DateTimeOffset.UtcNow) - begin : null;

    /// <summary>What the build was of: the image's names where it has some, else the Dockerfile or target.</summary>
    public string Name { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The frontend: <c>dockerfile.v0</c>.</summary>
    public string Frontend { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The frontend's attributes, build arguments among them.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init => field = TerminalText.Plain(value); } = new Dictionary<string, string>();

    /// <summary>The exporters' types.</summary>
    public IReadOnlyList<string> Exporters { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The names the image was given.</summary>
    public IReadOnlyList<string> References { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The digest of the image; nothing where there is none.</summary>
    public string? Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>How many steps there are.</summary>
    public int Steps { get; init; }

    /// <summary>How many steps came from the cache.</summary>
    public int Cached { get; init; }

    /// <summary>How many steps have ended.</summary>
    public int CompletedSteps { get; init; }

    /// <summary>How many warnings there were. Engines before 0.17 do not count them and tell zero.</summary>
    public int Warnings { get; init; }

    /// <summary>Why it failed; nothing when it did not.</summary>
    public string? Error { get; init => field = value is null ? null : TerminalText.Plain(value); }

    /// <summary>Whether it is kept when older records are dropped.</summary>
    public bool Pinned { get; init; }

    /// <summary>Whether its log can be read.</summary>
    public bool HasLog { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Ref;

    internal static BuildRecord From(BuildHistoryEvent happened, string engine)
    {
        BuildHistoryRecord record = happened.Record;
        bool running = happened.Type == BuildHistoryEventType.Started || record.CompletedAt is null;
        List<string> references = FindReferences(record);
        return new BuildRecord
        {
            Ref = record.Ref,
            Engine = engine,
            Status = running ? BuildRecordStatus.Running
                : record.Error is null || record.Error.Code == 0 && record.Error.Message.Length == 0 ? BuildRecordStatus.Completed
                : record.Error.Code == (int)StatusCode.Cancelled || record.Error.Message.Contains("context canceled", StringComparison.Ordinal) ? BuildRecordStatus.Canceled
                : BuildRecordStatus.Failed,
            Created = record.CreatedAt.ToTime(),
            Completed = record.CompletedAt.ToTime(),
            Name = TerminalText.Line(references.Count > 0 ? string.Join(", ", references)
                : record.FrontendAttrs.GetValueOrDefault("filename") is { Length: > 0 } file ? file
                : record.FrontendAttrs.GetValueOrDefault("target") ?? record.Frontend),
            Frontend = TerminalText.Line(record.Frontend),
            Attributes = new SortedDictionary<string, string>(record.FrontendAttrs, StringComparer.Ordinal),
            Exporters = [.. record.Exporters.Select(static e => e.Type)],
            References = references,
            Digest = FindDigest(record),
            Steps = record.NumTotalSteps,
            Cached = record.NumCachedSteps,
            CompletedSteps = record.NumCompletedSteps,
            Warnings = record.NumWarnings,
            Error = record.Error is { Message.Length: > 0 } error ? TerminalText.Plain(error.Message) : null,
            Pinned = record.Pinned,
            HasLog = running || record.Logs is not null,
        };
    }

    private static string? FindDigest(BuildHistoryRecord record) =>
        record.ExporterResponse.GetValueOrDefault("containerimage.digest")
        ?? record.Result?.Results.OrderBy(static r => r.Key).Select(static r => r.Value).FirstOrDefault(static d => OciMediaTypes.IsIndex(d.MediaType) || OciMediaTypes.IsManifest(d.MediaType))?.Digest;

    // The exporter tells the names it gave; before it has, they are among what it was asked for.
    private static List<string> FindReferences(BuildHistoryRecord record)
    {
        string? names = record.ExporterResponse.GetValueOrDefault("image.name")
            ?? record.Exporters.Select(static e => e.Attrs.GetValueOrDefault("name")).FirstOrDefault(static n => !string.IsNullOrEmpty(n));
        return [.. (names ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
    }
}
