namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>
/// The Huffman code of HPACK (RFC 7541, appendix B). The code is canonical, so the lengths of its 257 codes say everything; the codes
/// and the decoder's automaton are made from them once.
/// </summary>
internal static class HpackHuffman
{
    private const int EndOfString = 256;
    private const int SymbolCount = 257;
    private const byte Emits = 1;
    private const byte Fails = 2;

    private static readonly uint[] Codes = BuildCodes();

    // One step for each state and each half byte. The shortest code has 5 bits, so a step emits one symbol at most.
    private static readonly Step[] Steps;

    // Whether input may end in a state: at a symbol's end, or within padding (fewer than 8 bits, all ones).
    private static readonly bool[] MayEnd;

    static HpackHuffman() => Steps = BuildSteps(out MayEnd);

    private static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
        28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
        6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
        21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    /// <summary>How many bytes the ISO 8859-1 text takes when encoded.</summary>
    internal static int GetEncodedLength(string text)
    {
        ReadOnlySpan<byte> lengths = Lengths;
        long bits = 0;
        foreach (char c in text)
        {
            bits += lengths[(byte)c];
        }

        return (int)((bits + 7) / 8);
    }

    /// <summary>Encodes ISO 8859-1 text, padded with ones to a byte; needs room for <see cref="GetEncodedLength"/> bytes.</summary>
    /// <returns>The bytes written.</returns>
    internal static int Encode(string text, Span<byte> destination)
    {
        ReadOnlySpan<byte> lengths = Lengths;
        ulong bits = 0;
        int bitCount = 0;
        int written = 0;
        foreach (char c in text)
        {
            int length = lengths[(byte)c];
            bits = (bits << length) | Codes[(byte)c];
            bitCount += length;
            while (bitCount >= 8)
            {
                bitCount -= 8;
                destination[written++] = (byte)(bits >> bitCount);
            }
        }

        if (bitCount > 0)
        {
            int padding = 8 - bitCount;
            destination[written++] = (byte)((bits << padding) | ((1u << padding) - 1));
        }

        return written;
    }

    /// <summary>The most bytes that <paramref name="encodedLength"/> encoded bytes can stand for.</summary>
    internal static int GetMaxDecodedLength(int encodedLength) => (int)((long)encodedLength * 8 / 5);

    /// <summary>Decodes; needs room for <see cref="GetMaxDecodedLength"/> bytes.</summary>
    /// <returns>False when the input holds the end-of-string symbol or is wrongly padded.</returns>
    internal static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> destination, out int written)
    {
        Step[] steps = Steps;
        int state = 0;
        written = 0;
        foreach (byte octet in source)
        {
            Step step = steps[(state << 4) | (octet >> 4)];
            if ((step.Flags & Emits) != 0)
            {
                destination[written++] = step.Symbol;
            }

            Step next = steps[(step.State << 4) | (octet & 15)];
            if (((step.Flags | next.Flags) & Fails) != 0)
            {
                return false;
            }

            if ((next.Flags & Emits) != 0)
            {
                destination[written++] = next.Symbol;
            }

            state = next.State;
        }

        return MayEnd[state];
    }

    private static uint[] BuildCodes()
    {
        int[] order = [.. Enumerable.Range(0, SymbolCount)];
        byte[] lengths = Lengths.ToArray();
        Array.Sort(order, (a, b) => lengths[a] != lengths[b] ? lengths[a].CompareTo(lengths[b]) : a.CompareTo(b));

        uint[] codes = new uint[SymbolCount];
        uint code = 0;
        int length = lengths[order[0]];
        foreach (int symbol in order)
        {
            code <<= lengths[symbol] - length;
            length = lengths[symbol];
            codes[symbol] = code++;
        }

        return codes;
    }

    private static Step[] BuildSteps(out bool[] mayEnd)
    {
        // The code's tree: an inner node is its state's number (root 0), a leaf is ~symbol. A full tree of n leaves has n - 1 inner nodes.
        int[,] tree = new int[SymbolCount - 1, 2];
        int nodes = 1;
        for (int symbol = 0; symbol < SymbolCount; symbol++)
        {
            int node = 0;
            for (int bit = Lengths[symbol] - 1; bit > 0; bit--)
            {
                ref int child = ref tree[node, (Codes[symbol] >> bit) & 1];
                if (child == 0)
                {
                    child = nodes++;
                }

                node = child;
            }

            tree[node, Codes[symbol] & 1] = ~symbol;
        }

        mayEnd = new bool[SymbolCount - 1];
        for (int node = 0, ones = 0; ones < 8; ones++)
        {
            mayEnd[node] = true;
            node = tree[node, 1];
        }

        Step[] steps = new Step[(SymbolCount - 1) << 4];
        for (int index = 0; index < steps.Length; index++)
        {
            int node = index >> 4;
            byte flags = 0;
            byte symbol = 0;
            for (int bit = 3; bit >= 0; bit--)
            {
                node = tree[node, (index >> bit) & 1];
                if (node < 0)
                {
                    flags |= ~node == EndOfString ? Fails : Emits;
                    symbol = (byte)~node;
                    node = 0;
                }
            }

            steps[index] = new Step((byte)node, flags, symbol);
        }

        return steps;
    }

    private readonly record struct Step(byte State, byte Flags, byte Symbol);
}
