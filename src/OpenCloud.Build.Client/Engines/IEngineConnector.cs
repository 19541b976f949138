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

/// <summary>Connects to one of several nodes, and stays on it.</summary>
internal interface INodeConnector : IEngineConnector
{
    /// <summary>A connector for one build, which chooses a node by the key; null when this connector is for a build already.</summary>
    public INodeConnector? For(string key);

    /// <summary>Chooses the node, unless that has happened. Then <see cref="IEngineConnector.Address"/> is the node's.</summary>
    /// <exception cref="EngineConnectException">No node can be used.</exception>
    public ValueTask ChooseAsync(CancellationToken cancellationToken);
}
