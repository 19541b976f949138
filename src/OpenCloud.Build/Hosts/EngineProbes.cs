using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.Workers;
using OpenCloud.Build.Client.Wire.Grpc;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Hosts;

/// <summary>Provides the Client's gRPC to the Host library, which has none.</summary>
internal static class EngineProbes
{
    /// <summary>Asks the engine at the other end of a stream for its identity.</summary>
    public static async Task<EngineAnswer> AskAsync(Stream connection, CancellationToken cancellationToken)
    {
        await using EngineChannel channel = new(new StreamConnector(connection));
        return await AskAsync(channel, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks the engine at an address for its identity, as the caller.</summary>
    public static async Task<EngineAnswer> AskAsync(EngineAddress address, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        EngineConnection connection = await EngineConnection.OpenAsync(address, options, cancellationToken).ConfigureAwait(false);
        await using EngineChannel channel = new(connection, options);
        return await AskAsync(channel, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<EngineAnswer> AskAsync(EngineChannel channel, CancellationToken cancellationToken)
    {
        Control.ControlClient control = new(channel.Pooled);
        ListWorkersResponse workers = await control.ListWorkersAsync(new ListWorkersRequest(), cancellationToken: cancellationToken).ConfigureAwait(false);
        string version;
        try
        {
            InfoResponse info = await control.InfoAsync(new InfoRequest(), cancellationToken: cancellationToken).ConfigureAwait(false);
            version = info.BuildkitVersion?.Version ?? string.Empty;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            // Some versions of the Docker Engine have no Info.
            version = workers.Record.FirstOrDefault()?.BuildkitVersion?.Version ?? string.Empty;
        }

        return new EngineAnswer(version, [.. workers.Record.Select(Describe)]);
    }

    private static string Describe(WorkerRecord worker)
    {
        string platform = worker.Platforms.Count > 0 ? $"{worker.Platforms[0].Os}/{worker.Platforms[0].Architecture}" : "no platform";
        string executor = worker.Labels.TryGetValue("org.mobyproject.buildkit.worker.executor", out string? name) ? name : "unknown executor";
        return $"{worker.Id} ({executor}, {platform})";
    }

    private sealed class StreamConnector(Stream stream) : IEngineConnector
    {
        private Stream? _stream = stream;

        public EngineAddress Address { get; } = EngineAddress.ForUnixSocket(Host.Diagnosis.WellKnownSockets.BuildKit);

        public ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken) => Interlocked.Exchange(ref _stream, null) is { } first
            ? ValueTask.FromResult(first)
            : throw new EngineConnectException(EngineConnectReason.Rejected, Address, "The engine closed the connection.");
    }
}
