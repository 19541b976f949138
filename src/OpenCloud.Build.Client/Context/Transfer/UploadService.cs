using System.IO.Compression;
using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Upload;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>
/// The session's attachable through which the daemon fetches single files, such as a context that is an archive: an HTTP source at the
/// host <c>buildkit-session</c> becomes a call of <c>moby.upload.v1.Upload/Pull</c>.
/// </summary>
/// <remarks>
/// Source: moby/buildkit, session/upload/upload.go and source/http/transport.go. The path comes as the metadata <c>urlpath</c>; the answer
/// is a stream of messages with bytes in field 1. Only declared files can be asked for.
/// </remarks>
internal sealed class UploadService : Upload.UploadBase
{
    private const string Host = "http://buildkit-session/";

    // Well below the 4 MiB that a Go receiver takes, and a size that the array pool reuses.
    private const int ChunkSize = 1024 * 1024;

    private readonly IReadOnlyDictionary<string, string> _files;
    private readonly ContextCounters _counters;

    /// <summary>Declares files by the names under which the daemon may ask for them. Names must be safe in an address.</summary>
    public UploadService(IReadOnlyDictionary<string, string> files, ContextCounters counters)
    {
        _files = files;
        _counters = counters;
    }

    /// <summary>The first local failure; null when there is none.</summary>
    public ContextException? Failure { get; private set; }

    public static string AddressOf(string id) => Host + id;

    public void BindTo(GrpcServer server)
    {
        if (_files.Count > 0)
        {
            Upload.BindService(server, this);
        }
    }

    public override async Task Pull(IAsyncStreamReader<BytesMessage> requestStream, IServerStreamWriter<BytesMessage> responseStream, ServerCallContext context)
    {
        CancellationToken cancellationToken = context.CancellationToken;
        string id = (context.RequestHeaders.GetValue("urlpath") ?? string.Empty).TrimStart('/');
        if (!_files.TryGetValue(id, out string? path))
        {
            throw CallErrors.Create(StatusCode.NotFound, $"nothing was declared as \"{id}\"");
        }

        try
        {
            FileStream file = new(path, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 0 });
            await using (file.ConfigureAwait(false))
            {
                _counters.AddSent(1, 0);
                await SendAsync(file, new UploadStream(GrpcServerCall.Of(context), _counters), cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !cancellationToken.IsCancellationRequested)
        {
            Failure ??= ContextException.Unreadable("read", path, e.Message);
            throw CallErrors.Create(StatusCode.Unknown, Failure.Message, e);
        }
    }

    private async Task SendAsync(FileStream file, UploadStream output, CancellationToken cancellationToken)
    {
        if (!ContextArchive.NeedsWrapping(file.Name))
        {
            await file.CopyToAsync(output, ChunkSize, cancellationToken).ConfigureAwait(false);
            return;
        }

        // Stored without compression: gzip is only a form that the engine recognizes.
        BufferedStream buffer = new(output, ChunkSize);
        await using (buffer.ConfigureAwait(false))
        {
            GZipStream zip = new(buffer, CompressionLevel.NoCompression, leaveOpen: true);
            await using (zip.ConfigureAwait(false))
            {
                await file.CopyToAsync(zip, ChunkSize, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
