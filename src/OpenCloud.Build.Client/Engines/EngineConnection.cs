namespace OpenCloud.Build.Client.Engines;

/// <summary>An open connection to an engine, with the source of its address and the candidates before it. The receiver owns the stream.</summary>
internal sealed record EngineConnection(IEngineConnector Connector, Stream Stream, string Source, IReadOnlyList<PassedOverEngine> PassedOver)
{
    public EngineAddress Address => Connector.Address;

    /// <summary>Connects to the given engine, or to the first one that discovery finds; waits for one that is starting.</summary>
    /// <exception cref="EngineConnectException">No engine was found, or it cannot be reached.</exception>
    public static async ValueTask<EngineConnection> OpenAsync(EngineAddress? address, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (address is null)
        {
            return await EngineDiscovery.OpenAsync(options, cancellationToken).ConfigureAwait(false);
        }

        if (address.Name is not null)
        {
            return await EngineDiscovery.OpenAsync(NamedNodes.Candidates(address, options), options, cancellationToken).ConfigureAwait(false);
        }

        IEngineConnector connector = EngineConnectors.Create(address, options);
        try
        {
            Stream stream = await ConnectRetry.ConnectAsync(connector, options, cancellationToken).ConfigureAwait(false);
            return new EngineConnection(connector, stream, "given", []);
        }
        catch
        {
            (connector as IDisposable)?.Dispose();
            throw;
        }
    }
}
