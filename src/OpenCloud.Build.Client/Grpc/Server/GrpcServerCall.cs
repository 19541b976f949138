using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;
using OpenCloud.Build.Client.Http2;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Grpc.Server;

/// <summary>One call of a served method. Reading and writing may go on at the same time, but only one of each. Valid until the handler ends.</summary>
internal sealed class GrpcServerCall : IDisposable
{
    // The prefix of a message and a few octets of protobuf before a body of another's.
    private const int HeadSize = 64;

    private static readonly HeaderList ResponseHeaders = CreateResponseHeaders();
    private static readonly HeaderList OkTrailers = CreateOkTrailers();

    private readonly Http2ServerStream _stream;
    private readonly GrpcMessageReader _reader;
    private readonly byte[] _head = new byte[HeadSize];

    internal GrpcServerCall(Http2ServerStream stream)
    {
        _stream = stream;
        _reader = new GrpcMessageReader(stream);
    }

    /// <summary>The method's path, <c>/package.Service/Method</c>.</summary>
    internal string Path => _stream.Path;

    /// <summary>Where what the handler awaits goes on, and where it may have more run.</summary>
    internal WorkQueue Work => _stream.Server.Work;

    /// <summary>All header fields of the request; see <see cref="GrpcMetadata"/> for binary ones.</summary>
    internal HeaderList Metadata => _stream.RequestHeaders;

    /// <summary>Reads the next message.</summary>
    /// <returns>The message, which the caller disposes, or null when the peer sends no more.</returns>
    /// <exception cref="GrpcException">The message is too large (<see cref="GrpcStatusCode.ResourceExhausted"/>), compressed or cut off.</exception>
    /// <exception cref="IOException">The call was given up by the peer, or the connection is gone.</exception>
    internal ValueTask<GrpcMessage?> ReadMessageAsync(CancellationToken cancellationToken) => _reader.ReadAsync(cancellationToken);

    /// <summary>Reads and decodes the next message.</summary>
    /// <returns>The message, or null when the peer sends no more.</returns>
    /// <exception cref="GrpcException">As with <see cref="ReadMessageAsync"/>, or the message is malformed.</exception>
    internal async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        using GrpcMessage? message = await ReadMessageAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return message is null ? null : parser.ParseFrom(message.Memory.Span);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new GrpcException(new GrpcStatus(GrpcStatusCode.Internal, "A message could not be decoded."), inner: error);
        }
    }

    /// <summary>Sends a serialized message; done when the peer's windows and the transport have taken it.</summary>
    internal ValueTask WriteMessageAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken) =>
        WriteMessageAsync(default, message, moreFollows: false, cancellationToken);

    /// <summary>Sends a serialized message that lies in two places.</summary>
    /// <param name="prefix">The first octets, of which few are expected.</param>
    /// <param name="body">The octets that follow.</param>
    /// <param name="moreFollows">
    /// Whether another message will be written soon, so that this one may wait for it. It is sent at the latest when the handler reads
    /// and has to wait, flushes or ends: a handler that waits for anything else must <see cref="Flush"/> first.
    /// </param>
    /// <param name="cancellationToken">Stops waiting, which breaks the call off.</param>
    internal ValueTask WriteMessageAsync(ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> body, bool moreFollows, CancellationToken cancellationToken)
    {
        if (!_stream.HasResponded)
        {
            ValueTask headers = SendHeadersAsync(moreFollows: true);
            if (!headers.IsCompletedSuccessfully)
            {
                return headers;
            }
        }

        int headLength = GrpcMessageReader.PrefixSize + prefix.Length;
        byte[] head = headLength <= HeadSize ? _head : new byte[headLength];
        head[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(1), checked(prefix.Length + body.Length));
        prefix.CopyTo(head.AsMemory(GrpcMessageReader.PrefixSize));
        return _stream.WriteAsync(head.AsMemory(0, headLength), body, moreFollows, cancellationToken);
    }

    /// <summary>Sends serialized messages, as many as there are, each of which has gRPC's prefix in front of it already.</summary>
    internal async ValueTask WriteFramedAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken)
    {
        if (!_stream.HasResponded)
        {
            await SendHeadersAsync(moreFollows: true).ConfigureAwait(false);
        }

        await _stream.WriteAsync(messages, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Encodes and sends a message.</summary>
    internal async ValueTask WriteAsync(IMessage message, CancellationToken cancellationToken, bool moreFollows = false)
    {
        int size = message.CalculateSize();
        byte[] array = ArrayPool<byte>.Shared.Rent(size);
        message.WriteTo(array.AsSpan(0, size));
        await WriteMessageAsync(default, array.AsMemory(0, size), moreFollows, cancellationToken).ConfigureAwait(false);
        ArrayPool<byte>.Shared.Return(array);
    }

    /// <summary>Has all that was written sent now.</summary>
    internal void Flush() => _stream.Flush();

    /// <summary>Sends the response's header fields before there is a message; they are sent with the first message otherwise.</summary>
    internal ValueTask SendHeadersAsync(bool moreFollows = false) => _stream.WriteHeadersAsync(ResponseHeaders, moreFollows: moreFollows);

    /// <summary>Ends the call.</summary>
    internal ValueTask EndAsync(GrpcStatus status, IReadOnlyList<GrpcStatusDetail> details)
    {
        if (_stream.HasResponded)
        {
            if (status.Code == GrpcStatusCode.Ok && status.Message.Length == 0)
            {
                return _stream.WriteTrailersAsync(OkTrailers);
            }

            var trailers = new HeaderList();
            GrpcTrailers.Add(trailers, status, details);
            return _stream.WriteTrailersAsync(trailers);
        }

        HeaderList headers = CreateResponseHeaders();
        GrpcTrailers.Add(headers, status, details);
        return _stream.WriteHeadersAsync(headers, endStream: true);
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    private static HeaderList CreateResponseHeaders() => new() { { ":status", "200" }, { "content-type", "application/grpc" } };

    private static HeaderList CreateOkTrailers() => new() { { "grpc-status", "0" } };
}
