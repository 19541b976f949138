using System.Buffers;
using System.Buffers.Binary;
using OpenCloud.Build.Client.Http2;

namespace OpenCloud.Build.Client.Grpc.Server;

/// <summary>
/// Takes messages out of a request's content: each is preceded by a flag for compression and its length (gRPC over HTTP/2,
/// "Length-Prefixed-Message"). Small messages are read many at a time; large ones straight into their own array.
/// </summary>
internal sealed class GrpcMessageReader(Http2ServerStream stream) : IDisposable
{
    /// <summary>The octets before each message.</summary>
    internal const int PrefixSize = 5;

    /// <summary>The largest message, in octets.</summary>
    internal const int MaxMessageSize = 16 * 1024 * 1024;

    private const int BufferSize = 16 * 1024;
    private const int FirstArraySize = 256 * 1024;

    private byte[] _buffer = [];
    private int _start;
    private int _end;

    /// <summary>Reads the next message.</summary>
    /// <returns>The message, or null at the end.</returns>
    /// <exception cref="GrpcException">The message is too large, compressed or cut off.</exception>
    internal async ValueTask<GrpcMessage?> ReadAsync(CancellationToken cancellationToken)
    {
        while (_end - _start < PrefixSize)
        {
            if (!await FillAsync(cancellationToken).ConfigureAwait(false))
            {
                return _end == _start ? null : throw Error(GrpcStatusCode.Internal, "The request ends inside a message.");
            }
        }

        if (_buffer[_start] != 0)
        {
            // Compression was not offered (grpc-accept-encoding), so a compressed message is an error of the peer.
            throw Error(GrpcStatusCode.Unimplemented, "Compressed messages are not supported.");
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_start + 1));
        if (length > MaxMessageSize)
        {
            throw Error(GrpcStatusCode.ResourceExhausted, $"A message of {length} octets exceeds the {MaxMessageSize} that are accepted.");
        }

        _start += PrefixSize;

        // A claim alone gets no large array: it grows with what has really come.
        byte[] message = length == 0 ? [] : ArrayPool<byte>.Shared.Rent((int)Math.Min(length, FirstArraySize));
        int filled = Math.Min((int)length, _end - _start);
        _buffer.AsSpan(_start, filled).CopyTo(message);
        _start += filled;
        while (filled < length)
        {
            if (filled == message.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, message.Length * 2L));
                message.CopyTo(larger, 0);
                ArrayPool<byte>.Shared.Return(message);
                message = larger;
            }

            // A read that fails leaves the array to the garbage collector: it may still be written to.
            int count = await stream.ReadAsync(message.AsMemory(filled, Math.Min(message.Length, (int)length) - filled), cancellationToken).ConfigureAwait(false);
            filled += count > 0 ? count : throw Error(GrpcStatusCode.Internal, "The request ends inside a message.");
        }

        return new GrpcMessage(message, (int)length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _start = _end = 0;
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static GrpcException Error(GrpcStatusCode code, string message) => new(new GrpcStatus(code, message));

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_buffer.Length == 0)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        }

        // Called with less than a prefix left, so moving it costs nothing.
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        int count = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
        _end += count;
        return count > 0;
    }
}
