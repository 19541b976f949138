using System.Globalization;
using Grpc.Core;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Protocol.FileSync;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>The session's attachable that takes what exporters send to this machine: <c>moby.filesync.v1.FileSend</c>.</summary>
/// <remarks>
/// Source: moby/buildkit, session/filesync/filesync.go. A header names the exporter by its place in the request; daemons before 0.13, which
/// know one exporter only, send none.
/// </remarks>
internal sealed class FileSendService : FileSend.FileSendBase
{
    private const string ExporterHeader = "buildkit-attachable-exporter-id";

    private readonly Dictionary<int, IOutputTarget> _targets = [];
    private Exception? _failure;

    /// <summary>The first failure on this side; null when there was none.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Declares where an exporter's result goes.</summary>
    /// <param name="exporter">The exporter's place in the request, from 0.</param>
    /// <param name="target">The place.</param>
    public void Add(int exporter, IOutputTarget target) => _targets.Add(exporter, target);

    /// <summary>Binds the service to a server, if there is any target.</summary>
    public void BindTo(GrpcServer server)
    {
        if (_targets.Count > 0)
        {
            FileSend.BindService(server, this);
        }
    }

    /// <inheritdoc/>
    public override async Task DiffCopy(IAsyncStreamReader<BytesMessage> requestStream, IServerStreamWriter<BytesMessage> responseStream, ServerCallContext context)
    {
        int exporter = int.TryParse(context.RequestHeaders.GetValue(ExporterHeader), NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : 0;
        if (!_targets.TryGetValue(exporter, out IOutputTarget? target))
        {
            throw CallErrors.Create(StatusCode.NotFound, $"exporter {exporter} not found");
        }

        try
        {
            await target.ReceiveAsync(GrpcServerCall.Of(context), context.CancellationToken).ConfigureAwait(false);
        }
        catch (ContextException e)
        {
            // What the sender reports is its own failure, which it tells in its answer, too.
            if (e.Kind != ContextErrorKind.Receiver)
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }

            throw CallErrors.Create(StatusCode.Aborted, e.Message, e);
        }
    }
}
