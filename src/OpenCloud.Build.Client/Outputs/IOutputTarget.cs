using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>A place on this machine that takes one exporter's result.</summary>
internal interface IOutputTarget : IDisposable
{
    /// <summary>Receives what one call sends. A local output of several platforms comes in several calls, some at the same time.</summary>
    public Task ReceiveAsync(GrpcServerCall call, CancellationToken cancellationToken);

    /// <summary>Publishes what was received, after the build has succeeded. Without this call a file output leaves nothing.</summary>
    public void Commit();
}
