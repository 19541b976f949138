using System.Buffers.Binary;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>A number modulo 2^255 - 19, in five parts of 51 bits. No operation's time depends on the number.</summary>
internal readonly struct Curve25519Field
{
    public const int Size = 32;

    private const int Bits = 51;
    private const ulong Mask = (1UL << Bits) - 1;
    private const ulong Fold = 19;

    // Four times the modulus, part by part: no subtrahend is larger.
    private const ulong FourTimesFirst = (Mask - (Fold - 1)) << 2;
    private const ulong FourTimes = Mask << 2;

    private readonly ulong _0;
    private readonly ulong _1;
    private readonly ulong _2;
    private readonly ulong _3;
    private readonly ulong _4;

    private Curve25519Field(ulong p0, ulong p1, ulong p2, ulong p3, ulong p4) => (_0, _1, _2, _3, _4) = (p0, p1, p2, p3, p4);

    public static Curve25519Field Zero => default;

    public static Curve25519Field One { get; } = new(1, 0, 0, 0, 0);

    /// <summary>Reads 32 bytes, the lowest first.</summary>
    public static Curve25519Field From(ReadOnlySpan<byte> bytes)
    {
        ulong Part(int at, int shift, ReadOnlySpan<byte> from) => (BinaryPrimitives.ReadUInt64LittleEndian(from[at..]) >> shift) & Mask;
        return new(Part(0, 0, bytes), Part(6, 3, bytes), Part(12, 6, bytes), Part(19, 1, bytes), Part(24, 12, bytes));
    }

    public static Curve25519Field operator +(in Curve25519Field a, in Curve25519Field b) => Carry(a._0 + b._0, a._1 + b._1, a._2 + b._2, a._3 + b._3, a._4 + b._4);

    public static Curve25519Field operator -(in Curve25519Field a, in Curve25519Field b) => Carry(
        a._0 + FourTimesFirst - b._0, a._1 + FourTimes - b._1, a._2 + FourTimes - b._2, a._3 + FourTimes - b._3, a._4 + FourTimes - b._4);

    public static Curve25519Field operator *(in Curve25519Field a, in Curve25519Field b)
    {
        // What goes beyond 255 bits comes back 19 times.
        ulong b1 = b._1 * Fold;
        ulong b2 = b._2 * Fold;
        ulong b3 = b._3 * Fold;
        ulong b4 = b._4 * Fold;
        UInt128 r0 = Wide(a._0, b._0) + Wide(a._1, b4) + Wide(a._2, b3) + Wide(a._3, b2) + Wide(a._4, b1);
        UInt128 r1 = Wide(a._0, b._1) + Wide(a._1, b._0) + Wide(a._2, b4) + Wide(a._3, b3) + Wide(a._4, b2);
        UInt128 r2 = Wide(a._0, b._2) + Wide(a._1, b._1) + Wide(a._2, b._0) + Wide(a._3, b4) + Wide(a._4, b3);
        UInt128 r3 = Wide(a._0, b._3) + Wide(a._1, b._2) + Wide(a._2, b._1) + Wide(a._3, b._0) + Wide(a._4, b4);
        UInt128 r4 = Wide(a._0, b._4) + Wide(a._1, b._3) + Wide(a._2, b._2) + Wide(a._3, b._1) + Wide(a._4, b._0);
        r1 += (ulong)(r0 >> Bits);
        r2 += (ulong)(r1 >> Bits);
        r3 += (ulong)(r2 >> Bits);
        r4 += (ulong)(r3 >> Bits);
        return Carry(((ulong)r0 & Mask) + (Fold * (ulong)(r4 >> Bits)), (ulong)r1 & Mask, (ulong)r2 & Mask, (ulong)r3 & Mask, (ulong)r4 & Mask);
    }

    /// <summary>Selects one of two numbers in constant time.</summary>
    public static Curve25519Field Select(bool second, in Curve25519Field a, in Curve25519Field b)
    {
        ulong mask = 0UL - (second ? 1UL : 0UL);
        return new(Choose(mask, a._0, b._0), Choose(mask, a._1, b._1), Choose(mask, a._2, b._2), Choose(mask, a._3, b._3), Choose(mask, a._4, b._4));
    }

    /// <summary>The inverse: the number's power of 2^255 - 21, whose bits are ones but for two.</summary>
    public Curve25519Field Invert()
    {
        Curve25519Field result = One;
        for (int bit = 254; bit >= 0; bit--)
        {
            result *= result;
            result = bit is 2 or 4 ? result : result * this;
        }

        return result;
    }

    /// <summary>The number as 32 bytes, lowest first, reduced below the modulus.</summary>
    public byte[] ToBytes()
    {
        Curve25519Field whole = Carry(_0, _1, _2, _3, _4);
        whole = Carry(whole._0, whole._1, whole._2, whole._3, whole._4);

        // One more if the number and 19 reach 2^255, which is when it is not less than the modulus.
        ulong more = (whole._0 + Fold) >> Bits;
        more = (whole._1 + more) >> Bits;
        more = (whole._2 + more) >> Bits;
        more = (whole._3 + more) >> Bits;
        more = (whole._4 + more) >> Bits;
        ulong p0 = whole._0 + (Fold * more);
        ulong p1 = whole._1 + (p0 >> Bits);
        ulong p2 = whole._2 + (p1 >> Bits);
        ulong p3 = whole._3 + (p2 >> Bits);
        ulong p4 = whole._4 + (p3 >> Bits);
        (p0, p1, p2, p3, p4) = (p0 & Mask, p1 & Mask, p2 & Mask, p3 & Mask, p4 & Mask);
        byte[] bytes = new byte[Size];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, p0 | (p1 << 51));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), (p1 >> 13) | (p2 << 38));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), (p2 >> 26) | (p3 << 25));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), (p3 >> 39) | (p4 << 12));
        return bytes;
    }

    private static UInt128 Wide(ulong a, ulong b) => new(Math.BigMul(a, b, out ulong low), low);

    private static ulong Choose(ulong mask, ulong a, ulong b) => a ^ (mask & (a ^ b));

    private static Curve25519Field Carry(ulong p0, ulong p1, ulong p2, ulong p3, ulong p4)
    {
        p1 += p0 >> Bits;
        p2 += p1 >> Bits;
        p3 += p2 >> Bits;
        p4 += p3 >> Bits;
        return new((p0 & Mask) + (Fold * (p4 >> Bits)), p1 & Mask, p2 & Mask, p3 & Mask, p4 & Mask);
    }
}
