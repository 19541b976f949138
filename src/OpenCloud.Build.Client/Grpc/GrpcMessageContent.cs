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
