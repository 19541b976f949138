using System.Buffers.Binary;
using Grpc.Core;

namespace OpenCloud.Build.Client.Wire;

/// <summary>The prefix of each message of a call: a compression flag and four bytes of length (gRPC over HTTP/2, "Length-Prefixed-Message").</summary>
internal static class GrpcPrefix
{
    public const int Length = 5;

    public static void Write(Span<byte> destination, int length)
    {
        destination[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(destination[1..], length);
    }

    /// <summary>
    /// Reads a message's length. Compression is not offered: the status of a compressed message is Internal for a client, Unimplemented for a
    /// server (gRPC's compression document).
    /// </summary>
    /// <exception cref="RpcException">The message is compressed or too large.</exception>
    public static int Read(ReadOnlySpan<byte> prefix, int limit, StatusCode compressed = StatusCode.Internal)
    {
        if (prefix[0] != 0)
        {
            throw prefix[0] == 1
                ? CallErrors.Create(compressed, "The engine sent a compressed message, which is not supported.")
                : CallErrors.Create(StatusCode.Internal, "The engine sent data that is not a sequence of gRPC messages.");
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        return length <= limit
            ? (int)length
            : throw CallErrors.Create(StatusCode.ResourceExhausted, $"The engine sent a message of {length} bytes; the limit is {limit}.");
    }
}
