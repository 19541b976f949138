namespace OpenCloud.Build.Client.Engines;

/// <summary>Connects to one engine, once for each call. The stream carries HTTP/2 from its first byte.</summary>
internal interface IEngineConnector
{
    /// <summary>The resolved address: never <c>docker://</c> alone.</summary>
    public EngineAddress Address { get; }

    /// <summary>Makes one attempt.</summary>
    /// <returns>A connected stream that the caller owns.</returns>
    /// <exception cref="EngineConnectException">The attempt failed.</exception>
    public ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken);
}
