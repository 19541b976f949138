namespace OpenCloud.Build.Client.Engines;

/// <summary>A failed attempt to connect.</summary>
/// <param name="Number">The attempt's number, from 1.</param>
/// <param name="Address">The address.</param>
/// <param name="Error">The failure.</param>
/// <param name="NextIn">The time until the next attempt; null when none follows.</param>
public sealed record ConnectAttempt(int Number, EngineAddress Address, EngineConnectException Error, TimeSpan? NextIn);
