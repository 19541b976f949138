namespace OpenCloud.Build.Client.Engines;

/// <summary>An engine that was looked for where engines usually are, and was not taken.</summary>
/// <param name="Source">Where the address came from, for example <c>$BUILDKIT_HOST</c>.</param>
/// <param name="Address">The address; null when what was found there is no address.</param>
/// <param name="Why">Why it was passed over, in a sentence.</param>
/// <param name="IsExplicit">True for a setting of the user's: that another engine is used instead deserves a warning.</param>
public sealed record PassedOverEngine(string Source, EngineAddress? Address, string Why, bool IsExplicit);
