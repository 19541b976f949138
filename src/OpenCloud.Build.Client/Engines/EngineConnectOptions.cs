using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines;

/// <summary>Options for the connection to an engine.</summary>
public sealed record EngineConnectOptions
{
    /// <summary>The longest wait, over all attempts, for an engine that is still starting; 5 s by default.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Allows plain TCP to other machines. Anyone who can reach such an engine controls it, and anyone on the network path can
    /// read and change the traffic.
    /// </summary>
    public bool AllowPlainTcp { get; init; }

    /// <summary>Uses TLS for <c>tcp://host:port</c> and <c>docker://host:port</c>; null, the default, for plain TCP.</summary>
    public EngineTlsOptions? Tls { get; init; }

    /// <summary>
    /// What to do when the engine of <c>$BUILDKIT_HOST</c> does not accept a connection: fail (true), or pass it over like any other
    /// candidate (false, the default) and mark it <see cref="PassedOverEngine.IsExplicit"/>, which deserves a warning.
    /// </summary>
    public bool RequireExplicitEngine { get; init; }

    /// <summary>Reads an environment variable; the process's by default.</summary>
    public Func<string, string?> GetEnvironmentVariable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>The clock for the retry schedule, the first answer, the pings in a session and the grace periods at a build's end.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Receives warnings, which stop nothing, on the thread that connects; null by default.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Receives every failed attempt, on the thread that made it; null by default.</summary>
    public Action<ConnectAttempt>? OnFailedAttempt { get; init; }
}
