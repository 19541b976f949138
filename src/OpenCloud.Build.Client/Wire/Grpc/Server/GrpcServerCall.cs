using Grpc.Core;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Grpc.Server;

/// <summary>
/// One call of a served method: the context that generated services are given, and beneath it the call's messages as bytes, for services
/// that read and write in place. Reading and writing may go on at the same time, but only one of each. Valid until the handler ends.
/// </summary>
internal sealed class GrpcServerCall : ServerCallContext, IFramedMessages, IDisposable
{
    // The prefix of a message and a few octets of protobuf before a body of another's.
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

    /// <summary>Where what the handler awaits goes on, and where it may have more run.</summary>
    internal WorkQueue Work => _stream.Server.Work;

    /// <summary>All header fields of the request, as they came.</summary>
    internal HeaderList Headers => _stream.RequestHeaders;

    /// <inheritdoc/>
    protected override string MethodCore => _stream.Path;

    /// <inheritdoc/>
    protected override string HostCore => Headers[":authority"] ?? string.Empty;

    /// <inheritdoc/>
    protected override string PeerCore => "session";

    /// <inheritdoc/>
    protected override DateTime DeadlineCore => _deadline;

    /// <inheritdoc/>
    protected override Metadata RequestHeadersCore => _requestHeaders ??= Headers.ToMetadata();

    /// <inheritdoc/>
    protected override CancellationToken CancellationTokenCore => _cancellationToken;

    /// <inheritdoc/>
    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];

    /// <inheritdoc/>
    protected override Status StatusCore { get; set; } = Status.DefaultSuccess;

    /// <inheritdoc/>
    protected override WriteOptions? WriteOptionsCore { get; set; }

    /// <inheritdoc/>
    protected override AuthContext AuthContextCore => new(null, []);

    /// <summary>The call of a context that a served method was given.</summary>
    internal static GrpcServerCall Of(ServerCallContext context) => (GrpcServerCall)context;

    /// <summary>Reads the next message.</summary>
    /// <returns>The message, which the caller disposes, or null when the peer sends no more.</returns>
    /// <exception cref="RpcException">The message is too large (ResourceExhausted), compressed or cut off.</exception>
    /// <exception cref="IOException">The call was given up by the peer, or the connection is gone.</exception>
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

    /// <summary>Sends a serialized message that lies in two places; done when the peer's windows and the transport have taken it.</summary>
    /// <param name="prefix">The first octets, of which few are expected.</param>
    /// <param name="body">The octets that follow.</param>
    /// <param name="moreFollows">
    /// Whether another message will be written soon, so that this one may wait for it. It is sent at the latest when the handler reads
    /// and has to wait, flushes or ends: a handler that waits for anything else must <see cref="Flush"/> first.
    /// </param>
    /// <param name="cancellationToken">Stops waiting, which breaks the call off.</param>
    internal ValueTask WriteMessageAsync(ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> body, bool moreFollows, CancellationToken cancellationToken)
    {
        BeginResponse();
        int headLength = GrpcPrefix.Length + prefix.Length;
        byte[] head = headLength <= HeadSize ? _head : new byte[headLength];
        GrpcPrefix.Write(head, checked(prefix.Length + body.Length));
        prefix.CopyTo(head.AsMemory(GrpcPrefix.Length));
        return _stream.WriteAsync(head.AsMemory(0, headLength), body, moreFollows, cancellationToken);
    }

    /// <summary>Sends bytes as a message that has nothing else; see <see cref="BytesField"/>.</summary>
    internal ValueTask WriteBytesAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        WriteMessageAsync(BytesField.HeadOf(data.Length), data, moreFollows: false, cancellationToken);

    /// <summary>Sends serialized messages, as many as there are, each of which has gRPC's prefix in front of it already.</summary>
    public ValueTask WriteFramedAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken, bool moreFollows = false)
    {
        BeginResponse();
        return _stream.WriteAsync(default, messages, moreFollows, cancellationToken);
    }

    /// <summary>Encodes and sends a message.</summary>
    internal async ValueTask WriteAsync<T>(Marshaller<T> marshaller, T message, CancellationToken cancellationToken, bool moreFollows = false)
    {
        using SentMessage sent = SentMessage.Of(marshaller, message);
        await WriteFramedAsync(sent.Framed, cancellationToken, moreFollows).ConfigureAwait(false);
    }

    /// <summary>Has all that was written sent now.</summary>
    internal void Flush() => _stream.Flush();

    /// <summary>Sends the response's header fields before there is a message; they are sent with the first message otherwise.</summary>
    internal ValueTask SendHeadersAsync() => _stream.WriteHeadersAsync(ResponseHeaders);

    /// <summary>Ends the call.</summary>
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

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    /// <inheritdoc/>
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

    // Never waits; it throws what the stream failed with.
    private void BeginResponse()
    {
        if (!_stream.HasResponded)
        {
            _stream.WriteHeadersAsync(ResponseHeaders, moreFollows: true).GetAwaiter().GetResult();
        }
    }
}
