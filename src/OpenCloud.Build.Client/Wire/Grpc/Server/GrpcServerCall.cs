using Grpc.Core;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Grpc.Server;

/// <summary>
/// One call of a served method: the context for generated services, and beneath it the call's messages as bytes, for services
/// that read and write in place. Reading and writing may go on at the same time, but only one of each. Valid until the handler ends.
/// </summary>
internal sealed class GrpcServerCall : ServerCallContext, IFramedMessages, IDisposable
{
    // A message's prefix and a few bytes of protobuf before the body.
    private const int HeadSize = 64;

    private static readonly HeaderList ResponseHeaders = CreateResponseHeaders();
    private static readonly HeaderList OkTrailers = CreateOkTrailers();

    private readonly Http2ServerStream _stream;
    private readonly MessageReader _reader;
    private readonly byte[] _head = new byte[HeadSize];
    private readonly DateTime _deadline;
    private readonly CancellationToken _cancellationToken;
    private Metadata? _requestHeaders;
    private Metadata? _responseTrailers;

    internal GrpcServerCall(Http2ServerStream stream, MessageBudget budget, DateTime deadline, CancellationToken cancellationToken)
    {
        _stream = stream;
        _deadline = deadline;
        _cancellationToken = cancellationToken;
        _reader = new MessageReader(stream, MessageLimits.OfRequest(stream.Path), StatusCode.Unimplemented, budget);
    }

    /// <summary>The queue for the handler's continuations and for further work that it starts.</summary>
    internal WorkQueue Work => _stream.Server.Work;

    internal HeaderList Headers => _stream.RequestHeaders;

    protected override string MethodCore => _stream.Path;

    protected override string HostCore => Headers[":authority"] ?? string.Empty;

    protected override string PeerCore => "session";

    protected override DateTime DeadlineCore => _deadline;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= Headers.ToMetadata();

    protected override CancellationToken CancellationTokenCore => _cancellationToken;

    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];

    protected override Status StatusCore { get; set; } = Status.DefaultSuccess;

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore => new(null, []);

    internal static GrpcServerCall Of(ServerCallContext context) => (GrpcServerCall)context;

    /// <summary>Reads the next message.</summary>
    /// <returns>The message, which the caller disposes, or null when the peer sends no more.</returns>
    /// <exception cref="RpcException">The message is too large (ResourceExhausted), compressed or cut off.</exception>
    /// <exception cref="IOException">The peer canceled the call, or the connection is gone.</exception>
    public ValueTask<ReceivedMessage?> ReadMessageAsync(CancellationToken cancellationToken) => _reader.ReadAsync(cancellationToken);

    /// <summary>Reads and decodes the next message.</summary>
    /// <returns>The message, or null when the peer sends no more.</returns>
    /// <exception cref="RpcException">As with <see cref="ReadMessageAsync"/>, or the message is malformed.</exception>
    internal async ValueTask<T?> ReadAsync<T>(Marshaller<T> marshaller, CancellationToken cancellationToken)
        where T : class
    {
        using ReceivedMessage? message = await ReadMessageAsync(cancellationToken).ConfigureAwait(false);
        return message?.Decode(marshaller);
    }

    /// <summary>Sends a serialized message from two buffers. Completes when it is taken. Cancellation breaks the call off.</summary>
    /// <remarks>
    /// With moreFollows, the message may be deferred. It is sent at the latest when the handler waits in a read, flushes or ends: a handler that
    /// waits for anything else must <see cref="Flush"/> first. The first buffer should be short.
    /// </remarks>
    internal ValueTask WriteMessageAsync(ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> body, bool moreFollows, CancellationToken cancellationToken)
    {
        BeginResponse();
        int headLength = GrpcPrefix.Length + prefix.Length;
        byte[] head = headLength <= HeadSize ? _head : new byte[headLength];
        GrpcPrefix.Write(head, checked(prefix.Length + body.Length));
        prefix.CopyTo(head.AsMemory(GrpcPrefix.Length));
        return _stream.WriteAsync(head.AsMemory(0, headLength), body, moreFollows, cancellationToken);
    }

    /// <summary>Sends bytes as the only field of a message; see <see cref="BytesField"/>.</summary>
    internal ValueTask WriteBytesAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        WriteMessageAsync(BytesField.HeadOf(data.Length), data, moreFollows: false, cancellationToken);

    /// <summary>Sends any number of serialized messages that already have their gRPC prefixes.</summary>
    public ValueTask WriteFramedAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken, bool moreFollows = false)
    {
        BeginResponse();
        return _stream.WriteAsync(default, messages, moreFollows, cancellationToken);
    }

    internal async ValueTask WriteAsync<T>(Marshaller<T> marshaller, T message, CancellationToken cancellationToken, bool moreFollows = false)
    {
        using SentMessage sent = SentMessage.Of(marshaller, message);
        await WriteFramedAsync(sent.Framed, cancellationToken, moreFollows).ConfigureAwait(false);
    }

    internal void Flush() => _stream.Flush();

    /// <summary>Sends the response's header fields before the first message; otherwise they are sent with it.</summary>
    internal ValueTask SendHeadersAsync() => _stream.WriteHeadersAsync(ResponseHeaders);

    internal ValueTask EndAsync(Status status, Metadata trailers)
    {
        bool isPlain = status.StatusCode == StatusCode.OK && status.Detail.Length == 0 && trailers.Count == 0;
        if (_stream.HasResponded && isPlain)
        {
            return _stream.WriteTrailersAsync(OkTrailers);
        }

        HeaderList fields = _stream.HasResponded ? new HeaderList() : CreateResponseHeaders();
        HeaderMetadata.AddStatus(fields, status);
        trailers.AddTo(fields);
        return _stream.WriteHeadersAsync(fields, endStream: true);
    }

    public void Dispose() => _reader.Dispose();

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        HeaderList headers = CreateResponseHeaders();
        responseHeaders.AddTo(headers);
        return _stream.WriteHeadersAsync(headers).AsTask();
    }

    /// <inheritdoc/>
    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotSupportedException("A session's calls lead to no other calls.");

    private static HeaderList CreateResponseHeaders() => new() { { ":status", "200" }, { "content-type", "application/grpc" } };

    private static HeaderList CreateOkTrailers() => new() { { "grpc-status", "0" } };

    // Never waits; it throws the stream's failure.
    private void BeginResponse()
    {
        if (!_stream.HasResponded)
        {
            _stream.WriteHeadersAsync(ResponseHeaders, moreFollows: true).GetAwaiter().GetResult();
        }
    }
}
