namespace OpenCloud.Build.Client.Wire;

/// <summary>
/// A message whose only field is number 1, of type bytes: pieces of a session's stream, of files and of forwarded connections. The field's
/// head is written and read here, so that the data is not copied more often than the transport does.
/// </summary>
internal static class BytesField
{
    /// <summary>The longest head, for data of less than 2 GiB.</summary>
    public const int MaxHeadLength = 1 + Varint.MaxLength32;

    private const byte Tag = (1 << 3) | 2;

    public static int HeadSize(int length) => 1 + Varint.Size((uint)length);

    public static void WriteHead(Span<byte> output, int length)
    {
        output[0] = Tag;
        Varint.Write(output[1..], (uint)length);
    }

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

    /// <summary>The data of a serialized message.</summary>
    /// <exception cref="Context.ContextException">The bytes are not such a message.</exception>
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
