using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Caches;

/// <summary>What to clear of a build cache.</summary>
public sealed record BuildCachePrune
{
    /// <summary>Also clears internal records, frontends and records that images share.</summary>
    public bool All { get; init; }

    /// <summary>The types of records to clear; all when empty.</summary>
    public IReadOnlyList<string> Types { get; init; } = [];

    /// <summary>The ids of the records to clear; all when empty.</summary>
    public IReadOnlyList<string> Ids { get; init; } = [];

    /// <summary>Clears only records that no build has used for this time.</summary>
    public TimeSpan? OlderThan { get; init; }

    /// <summary>The bytes that are kept in any case.</summary>
    public long? KeepStorage { get; init; }

    /// <summary>The bytes to clear down to.</summary>
    public long? MaxUsedSpace { get; init; }

    /// <summary>The bytes that must be free on the engine's disk.</summary>
    public long? MinFreeSpace { get; init; }

    /// <summary>Whether a space limit is set; engines before 0.17 do not support all of them.</summary>
    public bool HasSpaceLimits => KeepStorage is not null || MaxUsedSpace is not null || MinFreeSpace is not null;

    /// <summary>Checks the limits before anything is cleared.</summary>
    /// <param name="knowsSpaceLimits">What <see cref="BuildKitClient.KnowsSpaceLimitsAsync"/> returned.</param>
    /// <exception cref="ArgumentException">The name of a type contains invalid characters.</exception>
    /// <exception cref="NotSupportedException">The engine does not support this and would clear more.</exception>
    public void Check(bool? knowsSpaceLimits) => _ = ToRequest(knowsSpaceLimits);

    /// <summary>The filter expression of a type.</summary>
    internal static string FilterOf(string type) => type.Length > 0 && type.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')
        ? $"type=={type}"
        : throw new ArgumentException($"Invalid type '{type}' of a cache record.", nameof(type));

    /// <summary>
    /// Makes the engine's request. Before 0.17 there was one limit, keepBytes, in the field that now means "reserved"; unknown
    /// fields are skipped, and without a limit everything is cleared. So a limit must never be in a newer field alone unless the
    /// engine is known to be new.
    /// </summary>
    /// <param name="knowsSpaceLimits">Whether the engine knows the newer limits; null when that is unknown.</param>
    /// <exception cref="NotSupportedException">The engine does not support this and would clear more.</exception>
    /// <remarks>
    /// moby/buildkit: cache/manager.go v0.16.0 (pruneOnce: keepBytes) and v0.32.2 (calculateKeepBytes: the larger one of
    /// reserved and maximum is what it clears down to, so both set to the same number mean what keepBytes meant).
    /// </remarks>
    internal PruneRequest ToRequest(bool? knowsSpaceLimits)
    {
        // A named record is cleared even if it is spared otherwise.
        PruneRequest request = new() { All = All || Ids.Count > 0 };
        // Filters are alternatives; the comma-separated conditions of one must all hold (containerd, pkg/filters).
        request.Filter.AddRange((Ids.Count, Types.Count) switch
        {
            (0, _) => Types.Select(FilterOf),
            (_, 0) => Ids.Select(static id => $"id=={id}"),
            _ => Ids.SelectMany(id => Types.Select(type => $"id=={id},{FilterOf(type)}")),
        });
        if (OlderThan is { } age)
        {
            request.KeepDuration = checked(age.Ticks * TimeSpan.NanosecondsPerTick);
        }

        if (MinFreeSpace is > 0 && knowsSpaceLimits is not true)
        {
            throw new NotSupportedException(knowsSpaceLimits is false
                ? "The engine is older than BuildKit 0.17 and does not support a limit of free disk space; it would clear the whole cache."
                : "The engine does not report whether it supports a limit of free disk space (BuildKit 0.17 or later); without support it would clear the whole cache.");
        }

        if (knowsSpaceLimits is true)
        {
            request.ReservedSpace = KeepStorage ?? 0;
            request.MaxUsedSpace = MaxUsedSpace ?? 0;
            request.MinFreeSpace = MinFreeSpace ?? 0;
        }
        else if (KeepStorage is not null || MaxUsedSpace is not null)
        {
            long keep = Math.Max(KeepStorage ?? 0, MaxUsedSpace ?? 0);
            request.ReservedSpace = keep;
            request.MaxUsedSpace = MaxUsedSpace is null ? 0 : keep;
        }

        return request;
    }
}
