using System.Buffers;
using System.Text;

namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>Decodes header blocks (RFC 7541). One per connection: blocks depend on earlier ones. The table size is our SETTINGS_HEADER_TABLE_SIZE.</summary>
internal sealed class HpackDecoder(int maxTableSize)
{
    private const byte IndexedFlag = 0x80;
    private const byte IncrementalFlag = 0x40;
    private const byte SizeUpdateFlag = 0x20;

    private readonly HpackDynamicTable _table = new(maxTableSize);

    internal int TableSize => _table.Size;

    /// <summary>Decodes a whole header block, joined from its frames. The list size is limited as in RFC 9113, 6.5.2.</summary>
    /// <returns>
    /// False when the list is too large: fields past the limit are left out, but the block is decoded to its end, because
    /// the tables of both sides must match.
    /// </returns>
    /// <exception cref="Http2Exception">COMPRESSION_ERROR: the block is malformed.</exception>
    internal bool Decode(ReadOnlySpan<byte> block, HeaderList headers, int maxListSize)
    {
        int position = 0;
        long listSize = 0;
        bool fits = true;
        bool fieldSeen = false;
        while (position < block.Length)
        {
            byte first = block[position];
            HeaderField field;
            if ((first & IndexedFlag) != 0)
            {
                field = GetIndexed(HpackInteger.Read(block, ref position, 7));
            }
            else if ((first & IncrementalFlag) != 0)
            {
                field = ReadLiteral(block, ref position, 6);
                _table.Add(field);
            }
            else if ((first & SizeUpdateFlag) != 0)
            {
                if (fieldSeen)
                {
                    throw Malformed("A table size update comes after a field.");
                }

                int size = HpackInteger.Read(block, ref position, 5);
                if (size > maxTableSize)
                {
                    throw Malformed($"A table size update to {size} octets exceeds the {maxTableSize} announced.");
                }

                _table.Resize(size);
                continue;
            }
            else
            {
                // Without indexing, or never indexed: the difference matters only to intermediaries.
                field = ReadLiteral(block, ref position, 4);
            }

            fieldSeen = true;
            listSize += field.Size;
            fits = fits && listSize <= maxListSize;
            if (fits)
            {
                headers.Add(field);
            }
        }

        return fits;
    }

    private HeaderField ReadLiteral(ReadOnlySpan<byte> block, ref int position, int prefixBits)
    {
        int nameIndex = HpackInteger.Read(block, ref position, prefixBits);
        string name = nameIndex == 0 ? ReadString(block, ref position) : GetIndexed(nameIndex).Name;
        return new HeaderField(name, ReadString(block, ref position));
    }

    private HeaderField GetIndexed(int index)
    {
        if (index > 0 && index <= HpackStaticTable.Count)
        {
            return HpackStaticTable.Get(index);
        }

        int dynamicIndex = index - HpackStaticTable.Count - 1;
        if (index == 0 || dynamicIndex >= _table.Count)
        {
            throw Malformed($"A header block refers to the table entry {index}, which does not exist.");
        }

        return _table.Get(dynamicIndex);
    }

    private static string ReadString(ReadOnlySpan<byte> block, ref int position)
    {
        if (position >= block.Length)
        {
            throw Malformed("A header block ends where a string is due.");
        }

        bool huffman = (block[position] & 0x80) != 0;
        int length = HpackInteger.Read(block, ref position, 7);
        if (length > block.Length - position)
        {
            throw Malformed("A header block ends inside a string.");
        }

        ReadOnlySpan<byte> octets = block.Slice(position, length);
        position += length;
        if (!huffman)
        {
            return Encoding.Latin1.GetString(octets);
        }

        int room = HpackHuffman.GetMaxDecodedLength(length);
        byte[]? rented = null;
        Span<byte> buffer = room <= 512 ? stackalloc byte[512] : (rented = ArrayPool<byte>.Shared.Rent(room));
        try
        {
            if (!HpackHuffman.TryDecode(octets, buffer, out int written))
            {
                throw Malformed("A header block holds a string that is not a valid Huffman code.");
            }

            return Encoding.Latin1.GetString(buffer[..written]);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    private static Http2Exception Malformed(string message) => new(Http2ErrorCode.CompressionError, message);
}
