using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Caches;

/// <summary>What is to be cleared of a build cache.</summary>
internal sealed record BuildCachePrune
{
    /// <summary>Internal records, frontends and what images share, too.</summary>
    public bool All { get; init; }

    /// <summary>The types of records to clear; every one when empty.</summary>
    public IReadOnlyList<string> Types { get; init; } = [];

    /// <summary>The ids of the records to clear; every one when empty.</summary>
    public IReadOnlyList<string> Ids { get; init; } = [];

    /// <summary>Clears only what no build has used for so long.</summary>
    public TimeSpan? OlderThan { get; init; }

    /// <summary>The bytes that stay whatever else is asked for.</summary>
    public long? KeepStorage { get; init; }

    /// <summary>The bytes to clear down to.</summary>
    public long? MaxUsedSpace { get; init; }

    /// <summary>The bytes that shall be free on the engine's disk.</summary>
    public long? MinFreeSpace { get; init; }

    /// <summary>
    /// Says it so that the engine understands it. Before 0.17 there was one limit, keepBytes, in the field that has meant
    /// "reserved" since; unknown fields are skipped, and without a limit everything goes. So a limit must never be in a newer
    /// field alone unless the engine is known to be new.
    /// </summary>
    /// <param name="knowsSpaceLimits">Whether the engine knows the newer limits; nothing when that cannot be found out.</param>
    /// <exception cref="NotSupportedException">The engine cannot do what is asked for, and would do more.</exception>
    /// <remarks>
    /// moby/buildkit: cache/manager.go v0.16.0 (pruneOnce: keepBytes) and v0.32.2 (calculateKeepBytes: the larger one of
    /// reserved and maximum is what it clears down to, so both set to the same number mean what keepBytes meant).
    /// </remarks>
    public PruneRequest ToRequest(bool? knowsSpaceLimits)
    {
        // A record that is named is wanted gone, also one that is spared otherwise.
        PruneRequest request = new() { All = All || Ids.Count > 0 };
        // Filters are alternatives; the conditions of one, with commas between them, hold together (containerd, pkg/filters).
        request.Filter.AddRange((Ids.Count, Types.Count) switch
        {
            (0, _) => Types.Select(static type => $"type=={type}"),
            (_, 0) => Ids.Select(static id => $"id=={id}"),
            _ => Ids.SelectMany(id => Types.Select(type => $"id=={id},type=={type}")),
        });
        if (OlderThan is { } age)
        {
            request.KeepDuration = checked(age.Ticks * TimeSpan.NanosecondsPerTick);
        }

        if (MinFreeSpace is > 0 && knowsSpaceLimits is not true)
        {
            throw new NotSupportedException(knowsSpaceLimits is false
                ? "The engine is older than BuildKit 0.17 and knows no limit of free space; it would clear everything."
                : "The engine does not tell whether it knows a limit of free space (BuildKit 0.17 and newer); one that does not would clear everything.");
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
