using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>The body of a call that sends one message.</summary>
internal sealed class GrpcMessageContent : HttpContent
{
    private readonly IMessage _message;
    private readonly int _size;

    public GrpcMessageContent(IMessage message)
    {
        _message = message;
        _size = GrpcFrame.Measure(message);
        Headers.ContentType = GrpcContentType();
    }

    internal static MediaTypeHeaderValue GrpcContentType() => new("application/grpc");

    // Serialized anew each time: the handler repeats a request whose connection ended before the engine had taken it up.
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        GrpcFrame.WriteAsync(stream, _message, _size, cancellationToken).AsTask();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long length)
    {
        length = GrpcFrame.PrefixLength + _size;
        return true;
    }
}

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
