using System.Text;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>Encodes header blocks (RFC 7541). One per connection: blocks depend on those before them.</summary>
internal sealed class HpackEncoder
{
    /// <summary>The initial size of either side's table (RFC 9113, 6.5.2), and the most that this encoder uses.</summary>
    internal const int DefaultTableSize = 4096;

    private const byte IndexedFlag = 0x80;
    private const byte IncrementalFlag = 0x40;
    private const byte SizeUpdateFlag = 0x20;
    private const byte HuffmanFlag = 0x80;

    private readonly HpackDynamicTable _table = new(DefaultTableSize);

    // The smallest size since the last block, when the peer has changed it; the block must announce that one too (RFC 7541, 4.2).
    private int? _smallestPendingSize;

    internal int TableSize => _table.MaxSize;

    /// <summary>Applies the peer's SETTINGS_HEADER_TABLE_SIZE; the next block announces the change.</summary>
    internal void SetPeerTableSize(uint size)
    {
        int newSize = (int)Math.Min(size, DefaultTableSize);
        if (newSize == _table.MaxSize && _smallestPendingSize is null)
        {
            return;
        }

        _smallestPendingSize = Math.Min(_smallestPendingSize ?? newSize, newSize);
        _table.Resize(newSize);
    }

    internal void Encode(HeaderList headers, PooledBuffer output)
    {
        if (_smallestPendingSize is int smallest)
        {
            if (smallest < _table.MaxSize)
            {
                WriteInteger(output, SizeUpdateFlag, 5, smallest);
            }

            WriteInteger(output, SizeUpdateFlag, 5, _table.MaxSize);
            _smallestPendingSize = null;
        }

        foreach (HeaderField field in headers)
        {
            EncodeField(field, output);
        }
    }

    // Text that differs each time would only evict useful entries, and a table must not keep possible secrets.
    private static bool IsWorthIndexing(HeaderField field) =>
        field.Size <= DefaultTableSize / 8 && field.Name is not ("grpc-message" or "grpc-status-details-bin" or "authorization" or "set-cookie");

    private static void WriteInteger(PooledBuffer output, byte firstOctet, int prefixBits, int value) =>
        output.Advance(HpackInteger.Write(output.GetSpan(HpackInteger.MaxLength), firstOctet, prefixBits, value));

    private static void WriteString(PooledBuffer output, string text)
    {
        int encodedLength = HpackHuffman.GetEncodedLength(text);
        if (encodedLength < text.Length)
        {
            WriteInteger(output, HuffmanFlag, 7, encodedLength);
            output.Advance(HpackHuffman.Encode(text, output.GetSpan(encodedLength)));
        }
        else
        {
            WriteInteger(output, 0, 7, text.Length);
            output.Advance(Encoding.Latin1.GetBytes(text, output.GetSpan(text.Length)));
        }
    }

    private void EncodeField(HeaderField field, PooledBuffer output)
    {
        int nameIndex = HpackStaticTable.Find(field.Name, field.Value, out bool valueMatches);
        if (!valueMatches)
        {
            int dynamicIndex = _table.Find(field.Name, field.Value, out valueMatches);
            if (valueMatches || (nameIndex == 0 && dynamicIndex >= 0))
            {
                nameIndex = HpackStaticTable.Count + 1 + dynamicIndex;
            }
        }

        if (valueMatches)
        {
            WriteInteger(output, IndexedFlag, 7, nameIndex);
            return;
        }

        bool index = IsWorthIndexing(field);
        WriteInteger(output, index ? IncrementalFlag : (byte)0, index ? 6 : 4, nameIndex);
        if (nameIndex == 0)
        {
            WriteString(output, field.Name);
        }

        WriteString(output, field.Value);
        if (index)
        {
            _table.Add(field);
        }
    }
}
