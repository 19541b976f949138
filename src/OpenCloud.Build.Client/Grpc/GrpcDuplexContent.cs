using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>The body of a call that sends for as long as its caller likes.</summary>
[SuppressMessage("Usage", "CA2213:Disposable fields should be disposed", Justification = "The stream is the handler's.")]
internal sealed class GrpcDuplexContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public GrpcDuplexContent() => Headers.ContentType = GrpcMessageContent.GrpcContentType();

    /// <summary>The stream to write to, once the request's headers are on their way.</summary>
    public Task<Stream> Started => _started.Task;

    /// <summary>Ends the body.</summary>
    public void Complete() => _completed.TrySetResult();

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // A server may wait for the headers before it says anything, and its peer for that: they must not sit in a buffer.
        try
        {
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _started.TrySetException(e);
            throw;
        }
        if (!_started.TrySetResult(stream))
        {
            throw new IOException("The connection ended, and what a duplex call has sent cannot be sent again.");
        }
        await _completed.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
