using OpenCloud.Build.Client.BuildKit.Outputs;
using OpenCloud.Build.Client.Grpc.Server;

namespace OpenCloud.Build.Client.BuildKit.Session;

/// <summary>
/// BuildKit's message of one field of bytes, number 1: pieces of files and of forwarded connections, and the answer with a secret. Read and
/// written in place, so that what goes through it is not copied more than the transport does.
/// </summary>
internal static class BytesMessage
{
    private const byte Tag = (1 << 3) | 2;

    /// <summary>Where the bytes are in a serialized message.</summary>
    public static ReadOnlyMemory<byte> Read(ReadOnlyMemory<byte> message)
    {
        ProtoFields fields = new(message.Span);
        ReadOnlyMemory<byte> data = default;
        while (fields.Next())
        {
            if (fields.Number == 1 && !fields.Bytes.IsEmpty && message.Span.Overlaps(fields.Bytes, out int offset))
            {
                data = message.Slice(offset, fields.Bytes.Length);
            }
        }

        return data;
    }

    /// <summary>Sends bytes as one message.</summary>
    public static ValueTask WriteAsync(GrpcServerCall call, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (data.IsEmpty)
        {
            return call.WriteMessageAsync(default, cancellationToken);
        }

        byte[] head = new byte[6];
        head[0] = Tag;
        int length = 1;
        for (uint rest = (uint)data.Length; ; rest >>= 7)
        {
            head[length++] = (byte)(rest < 0x80 ? rest : rest | 0x80);
            if (rest < 0x80)
            {
                break;
            }
        }

        return call.WriteMessageAsync(head.AsMemory(0, length), data, moreFollows: false, cancellationToken);
    }
}
