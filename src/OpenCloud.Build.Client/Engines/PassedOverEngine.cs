namespace OpenCloud.Build.Client.Engines;

/// <summary>A candidate of the engine discovery that was not used.</summary>
/// <param name="Source">The source of the address, for example <c>$BUILDKIT_HOST</c>.</param>
/// <param name="Address">The address; null when the source has no valid address.</param>
/// <param name="Why">The reason, in a sentence.</param>
/// <param name="IsExplicit">True for a user's setting: the use of another engine then deserves a warning.</param>
public sealed record PassedOverEngine(string Source, EngineAddress? Address, string Why, bool IsExplicit);
