namespace OpenCloud.Build.Client.Wire;

/// <summary>Protocol Buffers' variable-length integers (the encoding document, "Base 128 Varints"): seven bits a byte, the lowest first.</summary>
internal struct Varint
{
    /// <summary>The most bytes of a 32-bit integer.</summary>
    public const int MaxLength32 = 5;

    private const int MaxShift = 63;

    private int _shift;

    /// <summary>The integer, once <see cref="Take"/> has returned true.</summary>
    public ulong Value { get; private set; }

    /// <summary>Whether the bytes taken are more than any integer has.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>Whether the last byte taken was not the end of an integer.</summary>
    public readonly bool IsInside => _shift > 0;

    public static int Size(ulong value) => (70 - System.Numerics.BitOperations.LeadingZeroCount(value | 1)) / 7;

    public static int Write(Span<byte> output, ulong value)
    {
        int length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            output[length++] = (byte)(value | 0x80);
        }

        output[length++] = (byte)value;
        return length;
    }

    /// <summary>Reads an integer and advances past it.</summary>
    /// <returns>False when there is no complete integer.</returns>
    public static bool TryRead(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        Varint varint = default;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (varint.Take(bytes[i]))
            {
                bytes = bytes[(i + 1)..];
                value = varint.Value;
                return !varint.IsTooLong;
            }
        }

        value = 0;
        return false;
    }

    /// <summary>Takes the next byte.</summary>
    /// <returns>Whether it is the integer's last byte. The next byte then begins another integer.</returns>
    public bool Take(byte next)
    {
        if (_shift == 0)
        {
            Value = 0;
        }

        IsTooLong = _shift > MaxShift;
        Value |= IsTooLong ? 0 : (ulong)(next & 0x7F) << _shift;
        bool isLast = next < 0x80 || IsTooLong;
        _shift = isLast ? 0 : _shift + 7;
        return isLast;
    }
}
