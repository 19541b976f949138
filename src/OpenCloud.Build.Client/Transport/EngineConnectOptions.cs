namespace OpenCloud.Build.Client.Transport;

/// <summary>How an engine is connected to.</summary>
public sealed record EngineConnectOptions
{
    /// <summary>The longest time that an engine which is still starting is waited for, over all attempts; 5 s by default.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Allows plain TCP to hosts other than this machine. Whoever can reach such an engine controls it, and whoever is on the way
    /// reads and changes what is sent.
    /// </summary>
    public bool AllowPlainTcp { get; init; }

    /// <summary>
    /// When <c>$BUILDKIT_HOST</c> names an engine that does not accept a connection: fail (true), or pass it over like any other
    /// candidate (false, the default) and mark it <see cref="PassedOverEngine.IsExplicit"/>, which deserves a warning.
    /// </summary>
    public bool RequireExplicitEngine { get; init; }

    /// <summary>Reads an environment variable; the process's by default.</summary>
    public Func<string, string?> GetEnvironmentVariable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>The clock of the retry schedule.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Is told of every failed attempt, on the thread that made it; null by default.</summary>
    public Action<ConnectAttempt>? OnFailedAttempt { get; init; }
}

/// <summary>An attempt to connect that failed.</summary>
/// <param name="Number">1 for the first.</param>
/// <param name="Address">What was connected to.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="NextIn">The time until the next attempt; null when there will be none.</param>
public sealed record ConnectAttempt(int Number, EngineAddress Address, EngineConnectException Error, TimeSpan? NextIn);

/// <summary>An engine that was looked for where engines usually are, and was not taken.</summary>
/// <param name="Source">Where the address came from, for example <c>$BUILDKIT_HOST</c>.</param>
/// <param name="Address">The address; null when what was found there is no address.</param>
/// <param name="Why">Why it was passed over, in a sentence.</param>
/// <param name="IsExplicit">True for a setting of the user's: that another engine is used instead deserves a warning.</param>
public sealed record PassedOverEngine(string Source, EngineAddress? Address, string Why, bool IsExplicit);
