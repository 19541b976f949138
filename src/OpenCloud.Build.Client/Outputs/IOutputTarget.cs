using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>A place on this machine that takes one exporter's result.</summary>
internal interface IOutputTarget : IDisposable
{
    /// <summary>Takes what one call sends. A local output of several platforms comes in several calls, some at the same time.</summary>
    public Task ReceiveAsync(GrpcServerCall call, CancellationToken cancellationToken);

    /// <summary>The build has succeeded: what was received appears. Without this call nothing of a file output is left.</summary>
    public void Commit();
}
