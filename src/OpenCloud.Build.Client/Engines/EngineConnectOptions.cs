namespace OpenCloud.Build.Client.Engines;

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

    /// <summary>The clock of what waits: the retry schedule, the first answer, the pings in a session and the grace periods at a build's end.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Is told what deserves a warning and stops nothing, on the thread that connects; null by default.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Is told of every failed attempt, on the thread that made it; null by default.</summary>
    public Action<ConnectAttempt>? OnFailedAttempt { get; init; }
}
