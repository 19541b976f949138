namespace OpenCloud.Build.Client.Grpc;

/// <summary>
/// Splits the fields of an HPACK header block (RFC 7541, 6) whose value has a separator. It needs no tables: only literals that are
/// not added to the dynamic table are split, and that is what <see cref="SocketsHttpHandler"/> writes for fields of the application.
/// </summary>
internal static class HeaderBlockSplitter
{
    private const byte HuffmanFlag = 0x80;

    /// <exception cref="NotSupportedException">A field to be split is one that the table remembers.</exception>
    public static byte[] Split(ReadOnlySpan<byte> block)
    {
        MemoryStream output = new(block.Length + 256);
        int position = 0;
        while (position < block.Length)
        {
            int start = position;
            byte first = block[position];
            bool isLiteral = (first & 0xc0) == 0x40 || (first & 0xe0) == 0;
            int prefixBits = (first & 0x80) != 0 ? 7 : (first & 0xc0) == 0x40 ? 6 : (first & 0xe0) == 0x20 ? 5 : 4;
            int index = ReadInteger(block, ref position, prefixBits);
            if (!isLiteral)
            {
                output.Write(block[start..position]);
                continue;
            }
            if (index == 0)
            {
                SkipString(block, ref position, out _);
            }
            int nameEnd = position;
            ReadOnlySpan<byte> value = SkipString(block, ref position, out bool huffman);
            if (huffman || !value.Contains(HeaderSplitStream.Separator))
            {
                output.Write(block[start..position]);
                continue;
            }
            if (prefixBits == 6)
            {
                throw new NotSupportedException("The HTTP/2 client indexed a header field with several values, which cannot be split.");
            }
            foreach (Range part in value.Split(HeaderSplitStream.Separator))
            {
                output.Write(block[start..nameEnd]);
                WriteLength(output, value[part].Length);
                output.Write(value[part]);
            }
        }
        return output.ToArray();
    }

    private static ReadOnlySpan<byte> SkipString(ReadOnlySpan<byte> block, ref int position, out bool huffman)
    {
        huffman = (block[position] & HuffmanFlag) != 0;
        int length = ReadInteger(block, ref position, 7);
        ReadOnlySpan<byte> value = block.Slice(position, length);
        position += length;
        return value;
    }

    private static int ReadInteger(ReadOnlySpan<byte> block, ref int position, int prefixBits)
    {
        int mask = (1 << prefixBits) - 1;
        int value = block[position++] & mask;
        if (value < mask)
        {
            return value;
        }
        for (int shift = 0; ; shift += 7)
        {
            byte next = block[position++];
            value = checked(value + ((next & 0x7f) << shift));
            if ((next & 0x80) == 0)
            {
                return value;
            }
        }
    }

    private static void WriteLength(MemoryStream output, int length)
    {
        const int Mask = 0x7f;
        if (length < Mask)
        {
            output.WriteByte((byte)length);
            return;
        }
        output.WriteByte(Mask);
        for (length -= Mask; length >= 0x80; length >>= 7)
        {
            output.WriteByte((byte)((length & 0x7f) | 0x80));
        }
        output.WriteByte((byte)length);
    }
}
