using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>Opens channels to containerd, which connect at their first call.</summary>
internal static class ContainerdChannel
{
    public static EngineChannel Open(EngineAddress address, EngineConnectOptions options) =>
        new(new RetryingConnector(EngineConnectors.Create(address, options), options), options);

    // A channel connects once; a store that is starting gets the same waiting time as an engine.
    private sealed class RetryingConnector(IEngineConnector inner, EngineConnectOptions options) : IEngineConnector
    {
        public EngineAddress Address => inner.Address;

        public ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken) => ConnectRetry.ConnectAsync(inner, options, cancellationToken);
    }
}
