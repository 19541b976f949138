namespace OpenCloud.Build.Client.Wire;

/// <summary>
/// A message whose only field is number 1 and bytes: pieces of a session's stream, of files and of forwarded connections. What stands before
/// the bytes is written and read here, so that the bytes themselves are not copied more than the transport does.
/// </summary>
internal static class BytesField
{
    /// <summary>The most bytes that stand before the data, of which there are less than 2 GiB.</summary>
    public const int MaxHeadLength = 1 + Varint.MaxLength32;

    private const byte Tag = (1 << 3) | 2;

    /// <summary>The bytes before so much data.</summary>
    public static int HeadSize(int length) => 1 + Varint.Size((uint)length);

    /// <summary>Writes what stands before so much data.</summary>
    public static void WriteHead(Span<byte> output, int length)
    {
        output[0] = Tag;
        Varint.Write(output[1..], (uint)length);
    }

    /// <summary>What stands before so much data; nothing when there is none.</summary>
    public static byte[] HeadOf(int length)
    {
        if (length == 0)
        {
            return [];
        }

        byte[] head = new byte[HeadSize(length)];
        WriteHead(head, length);
        return head;
    }

    /// <summary>Where the data is in a serialized message.</summary>
    /// <exception cref="Context.ContextException">It is no message.</exception>
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
}
