using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Diagnosis;

namespace OpenCloud.Build.Hosts;

/// <summary>Provides the Client's gRPC to the Host library, which has none.</summary>
internal static class EngineProbes
{
    /// <summary>Asks the engine at the other end of a stream for its identity.</summary>
    public static Task<EngineAnswer> AskAsync(Stream connection, CancellationToken cancellationToken) =>
        AskAsync(connection, EngineAddress.ForUnixSocket(WellKnownSockets.BuildKit), cancellationToken);

    /// <summary>Asks the engine at the other end of a stream that leads to an address.</summary>
    public static async Task<EngineAnswer> AskAsync(Stream connection, EngineAddress address, CancellationToken cancellationToken) =>
        Describe(await BuildKitClient.InspectConnectionAsync(connection, address, cancellationToken).ConfigureAwait(false));

    /// <summary>Asks the engine at an address for its identity, as the caller.</summary>
    public static async Task<EngineAnswer> AskAsync(EngineAddress address, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        BuildKitClient client = await BuildKitClient.ConnectAsync(address, options, cancellationToken).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            return Describe(await client.InspectAsync(cancellationToken).ConfigureAwait(false));
        }
    }

    private static EngineAnswer Describe(BuildKitInfo info) => new(
        info.Version ?? string.Empty,
        [.. info.GetWorkers().Select(static w => $"{w.Id} ({w.Executor ?? "unknown executor"}, {(w.Platforms.Count > 0 ? w.Platforms[0] : "no platform")})")]);
}
