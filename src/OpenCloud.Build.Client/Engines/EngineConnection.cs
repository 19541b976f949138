namespace OpenCloud.Build.Client.Engines;

/// <summary>An engine that accepted a connection.</summary>
/// <param name="Connector">Connects to the same engine again.</param>
/// <param name="Stream">The connection; its owner is whoever takes it.</param>
/// <param name="Source">Where the address came from: <c>given</c>, <c>$BUILDKIT_HOST</c>, …</param>
/// <param name="PassedOver">The candidates before it; empty when the address was given.</param>
internal sealed record EngineConnection(IEngineConnector Connector, Stream Stream, string Source, IReadOnlyList<PassedOverEngine> PassedOver)
{
    public EngineAddress Address => Connector.Address;

    /// <summary>Connects to the given engine, or to the first one found where engines usually are; waits for one that is starting.</summary>
    /// <exception cref="EngineConnectException">There is none, or it cannot be reached.</exception>
    public static async ValueTask<EngineConnection> OpenAsync(EngineAddress? address, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (address is null)
        {
            return await EngineDiscovery.OpenAsync(options, cancellationToken).ConfigureAwait(false);
        }

        IEngineConnector connector = EngineConnectors.Create(address, options);
        Stream stream = await ConnectRetry.ConnectAsync(connector, options, cancellationToken).ConfigureAwait(false);
        return new EngineConnection(connector, stream, "given", []);
    }
}
