using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>gRPC's Length-Prefixed-Message: a compressed flag, four bytes of length, the message.</summary>
internal static class GrpcFrame
{
    public const int PrefixLength = 5;

    /// <summary>The largest message in either direction: what BuildKit and containerd allow (containerd, defaults.DefaultMaxRecvMsgSize).</summary>
    public const int LargestMessage = 16 * 1024 * 1024;

    public static void WritePrefix(Span<byte> destination, int length)
    {
        destination[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(destination[1..], length);
    }

    /// <summary>The length that a prefix tells.</summary>
    /// <exception cref="GrpcException">The message is compressed, which was not offered, or too large.</exception>
    public static int ReadPrefix(ReadOnlySpan<byte> prefix)
    {
        if (prefix[0] != 0)
        {
            throw new GrpcException(new GrpcStatus(GrpcStatusCode.Internal, prefix[0] == 1
                ? "The engine sent a compressed message although only uncompressed ones are accepted."
                : "The engine's answer is no sequence of gRPC messages."));
        }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        return length <= LargestMessage
            ? (int)length
            : throw new GrpcException(new GrpcStatus(GrpcStatusCode.ResourceExhausted, $"The engine sent a message of {length} bytes; {LargestMessage} are accepted."));
    }

    /// <summary>The size of a message that is to be sent.</summary>
    /// <exception cref="GrpcException">The message is too large.</exception>
    public static int Measure(IMessage message)
    {
        int size = message.CalculateSize();
        return size <= LargestMessage
            ? size
            : throw new GrpcException(new GrpcStatus(GrpcStatusCode.ResourceExhausted, $"A message of {size} bytes is too large to be sent; engines accept {LargestMessage}."));
    }

    /// <summary>Writes a message with its prefix, with one write.</summary>
    public static async ValueTask WriteAsync(Stream stream, IMessage message, int size, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PrefixLength + size);
        try
        {
            WritePrefix(buffer, size);
            message.WriteTo(buffer.AsSpan(PrefixLength, size));
            await stream.WriteAsync(buffer.AsMemory(0, PrefixLength + size), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Http2's write stream has copied or sent all of it when the write returns, also when it fails.
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
