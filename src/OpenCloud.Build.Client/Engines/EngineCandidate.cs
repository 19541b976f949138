namespace OpenCloud.Build.Client.Engines;

/// <summary>A place where an engine may be.</summary>
/// <param name="Source">What names it: <c>$BUILDKIT_HOST</c>, <c>system socket</c>, ….</param>
/// <param name="Address">The address; null when its source does not contain a valid address.</param>
/// <param name="IsExplicit">Whether the user named it.</param>
/// <param name="Problem">Why the address is missing; null otherwise.</param>
public sealed record EngineCandidate(string Source, EngineAddress? Address, bool IsExplicit, EngineConnectException? Problem = null);
