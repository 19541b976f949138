namespace OpenCloud.Build.Client.Engines;

/// <summary>A place where an engine may be.</summary>
/// <param name="Source">What names it: <c>$BUILDKIT_HOST</c>, <c>system socket</c>, ….</param>
/// <param name="Address">The address; null when its source does not contain a valid address.</param>
/// <param name="IsExplicit">Whether the user named it.</param>
/// <param name="Problem">Why the address is missing; null otherwise.</param>
public sealed record EngineCandidate(string Source, EngineAddress? Address, bool IsExplicit, EngineConnectException? Problem = null)
{
    /// <summary>The options for this candidate alone; null for those of the discovery.</summary>
    internal EngineConnectOptions? Options { get; init; }
}

/// <summary>A candidate of the engine discovery that was not used.</summary>
/// <param name="Source">The source of the address, for example <c>$BUILDKIT_HOST</c>.</param>
/// <param name="Address">The address; null when the source has no valid address.</param>
/// <param name="Why">The reason, in a sentence.</param>
/// <param name="IsExplicit">True for a user's setting: the use of another engine then deserves a warning.</param>
public sealed record PassedOverEngine(string Source, EngineAddress? Address, string Why, bool IsExplicit);
