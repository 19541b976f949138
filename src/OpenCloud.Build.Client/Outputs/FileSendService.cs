using System.Globalization;
using Grpc.Core;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Protocol.FileSync;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>The session's attachable that takes what exporters send to this machine: <c>moby.filesync.v1.FileSend</c>.</summary>
/// <remarks>
/// Source: moby/buildkit, session/filesync/filesync.go. A header names the exporter by its place in the request. Daemons before 0.13, which
/// know one exporter only, send no header.
/// </remarks>
internal sealed class FileSendService : FileSend.FileSendBase
{
    private const string ExporterHeader = "buildkit-attachable-exporter-id";

    private readonly Dictionary<int, IOutputTarget> _targets = [];
    private Exception? _failure;

    /// <summary>The first failure on this side; null when there is none.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Declares where the result of an exporter goes, by the exporter's place in the request, from 0.</summary>
    public void Add(int exporter, IOutputTarget target) => _targets.Add(exporter, target);

    public void BindTo(GrpcServer server)
    {
        if (_targets.Count > 0)
        {
            FileSend.BindService(server, this);
        }
    }

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
            // A sender's report is its own failure, which its answer states, too.
            if (e.Kind != ContextErrorKind.Receiver)
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }

            throw CallErrors.Create(StatusCode.Aborted, e.Message, e);
        }
    }
}
