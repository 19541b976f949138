using System.Buffers.Binary;
using Grpc.Core;

namespace OpenCloud.Build.Client.Wire;

/// <summary>What stands in front of each message of a call: a flag for compression and four bytes of length (gRPC over HTTP/2, "Length-Prefixed-Message").</summary>
internal static class GrpcPrefix
{
    /// <summary>The bytes of a prefix.</summary>
    public const int Length = 5;

    /// <summary>Writes the prefix of a message that is not compressed.</summary>
    public static void Write(Span<byte> destination, int length)
    {
        destination[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(destination[1..], length);
    }

    /// <summary>The length that a prefix tells.</summary>
    /// <param name="prefix">The prefix.</param>
    /// <param name="limit">The longest message that is accepted.</param>
    /// <param name="compressed">The status of a compressed message, which nobody here offers to read: Internal to a client, Unimplemented to a server (gRPC's compression document).</param>
    /// <exception cref="RpcException">The message is compressed or too large.</exception>
    public static int Read(ReadOnlySpan<byte> prefix, int limit, StatusCode compressed = StatusCode.Internal)
    {
        if (prefix[0] != 0)
        {
            throw prefix[0] == 1
                ? CallErrors.Create(compressed, "The engine sent a compressed message although only uncompressed ones are accepted.")
                : CallErrors.Create(StatusCode.Internal, "The engine sent what is no sequence of gRPC messages.");
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        return length <= limit
            ? (int)length
            : throw CallErrors.Create(StatusCode.ResourceExhausted, $"The engine sent a message of {length} bytes; {limit} are accepted.");
    }
}
