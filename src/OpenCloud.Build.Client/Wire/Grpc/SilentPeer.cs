using System.Globalization;
using OpenCloud.Build.Client.Engines;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>What it means that a peer accepted a connection and sent nothing: an engine's HTTP/2 begins at once.</summary>
internal static class SilentPeer
{
    /// <summary>A clause for the sentence about the timeout.</summary>
    public static string Describe(IEngineConnector connector, TimeSpan waited) =>
        $"accepted the connection, but sent nothing within {waited.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s: "
        + Cause(connector.Address, connector is SocketConnector { StartsOnDemand: true });

    /// <summary>Pure, so that it can be tested on machines without AF_VSOCK.</summary>
    internal static string Cause(EngineAddress address, bool startsOnDemand) =>
        VsockAddress.Is(address.Scheme) ? $"no engine listens on port {address.Port} of {VsockAddress.Peer(address)}, or it is stopped or still starting"
        : startsOnDemand ? "systemd listens there, and the engine that it starts with the first connection is stopped or still starting"
        : "no engine listens there, or it is stopped";
}
