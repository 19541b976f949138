namespace OpenCloud.Build.Host;

/// <summary>The engine's answer to a probe.</summary>
/// <param name="Version">Its version; empty when it does not report one.</param>
/// <param name="Workers">A short description of each worker; empty when it has none.</param>
public sealed record EngineAnswer(string Version, IReadOnlyList<string> Workers)
{
    /// <summary>A short description of each worker; empty when it has none.</summary>
    public IReadOnlyList<string> Workers { get; init => field = TextList<string>.Of(value); } = TextList<string>.Of(Workers);

    /// <inheritdoc/>
    public override string ToString() => Version;
}

/// <summary>
/// Queries the engine at the other end of a connected stream over gRPC. This library has no gRPC client; its caller brings
/// one.
/// </summary>
/// <param name="connection">A connected stream; the probe disposes of it.</param>
/// <param name="cancellationToken">Stops the query.</param>
public delegate Task<EngineAnswer> EngineProbe(Stream connection, CancellationToken cancellationToken);
