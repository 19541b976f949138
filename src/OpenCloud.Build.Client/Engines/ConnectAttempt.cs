namespace OpenCloud.Build.Client.Engines;

/// <summary>An attempt to connect that failed.</summary>
/// <param name="Number">1 for the first.</param>
/// <param name="Address">What was connected to.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="NextIn">The time until the next attempt; null when there will be none.</param>
public sealed record ConnectAttempt(int Number, EngineAddress Address, EngineConnectException Error, TimeSpan? NextIn);
