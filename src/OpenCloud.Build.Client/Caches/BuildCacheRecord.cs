using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Caches;

/// <summary>A record of an engine's build cache.</summary>
public sealed record BuildCacheRecord
{
    /// <summary>The record's id.</summary>
    public required string Id { get; init => field = TerminalText.Name(value); }

    /// <summary>The address of its engine.</summary>
    public required string Address { get; init; }

    /// <summary>
    /// The type: <c>regular</c>, <c>source.local</c>, <c>source.git.checkout</c>, <c>exec.cachemount</c>, <c>frontend</c> or <c>internal</c>.
    /// </summary>
    public string Type { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>What created the record.</summary>
    public string Description { get; init => field = TerminalText.Plain(value); } = string.Empty;

    /// <summary>Its size in bytes, without its parents.</summary>
    public long Size { get; init; }

    /// <summary>Whether an image uses the same layer, so that clearing it frees nothing.</summary>
    public bool Shared { get; init; }

    /// <summary>Whether a build or another record uses it now.</summary>
    public bool InUse { get; init; }

    /// <summary>Whether it may still change.</summary>
    public bool Mutable { get; init; }

    /// <summary>When it was created.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>When a build last used it; null when none has.</summary>
    public DateTimeOffset? LastUsed { get; init; }

    /// <summary>How often builds used it.</summary>
    public long UsageCount { get; init; }

    /// <summary>The records it builds on.</summary>
    public IReadOnlyList<string> Parents { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>The sums over all records that were listed together.</summary>
    internal BuildCacheTotals? Totals { get; init; }

    /// <summary>
    /// The sums over all records of the same listing; null when this one was not listed. A method, so that a file does not repeat them for each
    /// record.
    /// </summary>
    public BuildCacheTotals? GetTotals() => Totals;

    /// <summary>The same record with the sums over its listing.</summary>
    public BuildCacheRecord WithTotals(BuildCacheTotals totals) => this with { Totals = totals };

    /// <inheritdoc/>
    public override string ToString() => Id;

    internal static BuildCacheRecord From(UsageRecord record, string engine) => new()
    {
        Id = record.Id,
        Address = engine,
        Type = TerminalText.Line(record.RecordType),
        Description = TerminalText.Line(record.Description),
        Size = record.Size,
        Shared = record.Shared,
        InUse = record.InUse,
        Mutable = record.Mutable,
        Created = record.CreatedAt.ToTime(),
        LastUsed = record.LastUsedAt.ToTime(),
        UsageCount = record.UsageCount,
        Parents = record.Parents.Count > 0 ? [.. record.Parents] : record.ParentDeprecated.Length > 0 ? [record.ParentDeprecated] : [],
    };
}

/// <summary>Sums over records of a build cache, in bytes.</summary>
/// <param name="Count">How many records there are.</param>
/// <param name="Size">The bytes of all of them.</param>
/// <param name="Reclaimable">The bytes that clearing could free now: of records neither in use nor shared.</param>
/// <param name="Shared">The bytes that images share.</param>
/// <param name="InUse">The bytes in use.</param>
public record BuildCacheTotals(int Count, long Size, long Reclaimable, long Shared, long InUse)
{
    /// <summary>Computes the sums over records.</summary>
    public static BuildCacheTotals Of(IReadOnlyCollection<BuildCacheRecord> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        return new(
            records.Count,
            Sum(records),
            Sum(records.Where(static r => !r.InUse && !r.Shared)),
            Sum(records.Where(static r => r.Shared)),
            Sum(records.Where(static r => r.InUse)));
    }

    // Saturates: the sizes are the engine's.
    private static long Sum(IEnumerable<BuildCacheRecord> records) =>
        records.Aggregate(0L, static (sum, record) => (long)Int128.Clamp((Int128)sum + record.Size, long.MinValue, long.MaxValue));
}
