using System.Numerics;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

/// <summary>The fraction of π in words of 32 bits, with which Blowfish begins.</summary>
internal static class PiFraction
{
    private const int Guard = 64;

    // Machin's formula: π = 16 arctan(1/5) - 4 arctan(1/239).
    public static uint[] Words(int count)
    {
        int bits = count * 32;
        BigInteger one = BigInteger.One << (bits + Guard);
        BigInteger fraction = ((16 * Arctangent(one, 5)) - (4 * Arctangent(one, 239)) - (3 * one)) >> Guard;
        byte[] bytes = fraction.ToByteArray(isUnsigned: true, isBigEndian: true);
        uint[] words = new uint[count];
        for (int i = 0; i < bytes.Length; i++)
        {
            int place = (count * 4) - bytes.Length + i;
            words[place / 4] |= (uint)bytes[i] << (24 - (8 * (place % 4)));
        }

        return words;
    }

    private static BigInteger Arctangent(BigInteger one, int divisor)
    {
        BigInteger power = one / divisor;
        BigInteger sum = power;
        for (int n = 3; !power.IsZero; n += 2)
        {
            power /= -(divisor * divisor);
            sum += power / n;
        }

        return sum;
    }
}
