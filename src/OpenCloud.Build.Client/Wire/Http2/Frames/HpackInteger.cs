namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>HPACK's integers (RFC 7541, 5.1).</summary>
internal static class HpackInteger
{
    /// <summary>The most bytes that a 31-bit integer takes.</summary>
    internal const int MaxLength = 6;

    /// <summary>Writes an integer whose first byte shares its high bits with <paramref name="firstOctet"/>.</summary>
    internal static int Write(Span<byte> destination, byte firstOctet, int prefixBits, int value)
    {
        int mask = (1 << prefixBits) - 1;
        if (value < mask)
        {
            destination[0] = (byte)(firstOctet | value);
            return 1;
        }

        destination[0] = (byte)(firstOctet | mask);
        value -= mask;
        int written = 1;
        while (value >= 0x80)
        {
            destination[written++] = (byte)(value | 0x80);
            value >>= 7;
        }

        destination[written++] = (byte)value;
        return written;
    }

    /// <summary>Reads an integer of at most 31 bits.</summary>
    /// <exception cref="Http2Exception">COMPRESSION_ERROR: it is cut off or too large.</exception>
    internal static int Read(ReadOnlySpan<byte> source, ref int position, int prefixBits)
    {
        int mask = (1 << prefixBits) - 1;
        int value = source[position++] & mask;
        if (value < mask)
        {
            return value;
        }

        long sum = value;
        for (int shift = 0; shift < 35; shift += 7)
        {
            if (position >= source.Length)
            {
                throw new Http2Exception(Http2ErrorCode.CompressionError, "A header block ends inside an integer.");
            }

            byte octet = source[position++];
            sum += (long)(octet & 0x7f) << shift;
            if (sum > int.MaxValue)
            {
                break;
            }

            if ((octet & 0x80) == 0)
            {
                return (int)sum;
            }
        }

        throw new Http2Exception(Http2ErrorCode.CompressionError, "A header block holds an integer that is too large.");
    }
}
