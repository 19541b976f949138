using System.Numerics;
using System.Security.Cryptography;

namespace OpenCloud.Build.Client.BuildKit.Registry;

/// <summary>
/// Ed25519 signatures, which .NET has none of, for the token authority of a session only: a key made of the daemon's salt and a seed of this
/// machine, by which a daemon recognises that two sessions are of the same user.
/// </summary>
/// <remarks>
/// RFC 8032, section 5.1, written for brevity. It does not run in constant time, so it must not be given keys that are worth timing: SSH keys go
/// to OpenSSH's agent instead.
/// </remarks>
internal static class Ed25519
{
    /// <summary>The length of seeds and public keys.</summary>
    public const int KeySize = 32;

    /// <summary>The length of signatures.</summary>
    public const int SignatureSize = 64;

    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);
    private static readonly BigInteger D = Mod(-121665 * Invert(121666));
    private static readonly Point Base = CreateBase();

    /// <summary>The public key of a seed.</summary>
    public static byte[] PublicKey(ReadOnlySpan<byte> seed) => Encode(Multiply(Base, Scalar(SHA512.HashData(seed))));

    /// <summary>Signs a message.</summary>
    public static byte[] Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> message)
    {
        byte[] hash = SHA512.HashData(seed);
        byte[] publicKey = PublicKey(seed);
        BigInteger r = ToInteger(SHA512.HashData([.. hash.AsSpan(32), .. message])) % L;
        byte[] commitment = Encode(Multiply(Base, r));
        BigInteger k = ToInteger(SHA512.HashData([.. commitment, .. publicKey, .. message])) % L;
        BigInteger s = (r + (k * Scalar(hash))) % L;
        return [.. commitment, .. ToBytes(s)];
    }

    private static BigInteger Scalar(byte[] hash)
    {
        byte[] scalar = hash[..32];
        scalar[0] &= 0xF8;
        scalar[31] &= 0x7F;
        scalar[31] |= 0x40;
        return ToInteger(scalar);
    }

    private static Point CreateBase()
    {
        BigInteger y = Mod(4 * Invert(5));
        BigInteger square = Mod(((y * y) - 1) * Invert((D * y * y) + 1));
        BigInteger x = BigInteger.ModPow(square, (P + 3) / 8, P);
        if (Mod(x * x) != square)
        {
            x = Mod(x * BigInteger.ModPow(2, (P - 1) / 4, P));
        }

        x = x.IsEven ? x : P - x;
        return new Point(x, y, BigInteger.One, Mod(x * y));
    }

    private static Point Multiply(Point point, BigInteger scalar)
    {
        Point sum = new(BigInteger.Zero, BigInteger.One, BigInteger.One, BigInteger.Zero);
        for (; !scalar.IsZero; scalar >>= 1)
        {
            sum = scalar.IsEven ? sum : Add(sum, point);
            point = Add(point, point);
        }

        return sum;
    }

    private static Point Add(Point p, Point q)
    {
        BigInteger a = Mod((p.Y - p.X) * (q.Y - q.X));
        BigInteger b = Mod((p.Y + p.X) * (q.Y + q.X));
        BigInteger c = Mod(2 * p.T * q.T * D);
        BigInteger d = Mod(2 * p.Z * q.Z);
        BigInteger e = b - a;
        BigInteger f = d - c;
        BigInteger g = d + c;
        BigInteger h = b + a;
        return new Point(Mod(e * f), Mod(g * h), Mod(f * g), Mod(e * h));
    }

    private static byte[] Encode(Point point)
    {
        BigInteger inverse = Invert(point.Z);
        byte[] bytes = ToBytes(Mod(point.Y * inverse));
        bytes[31] |= (byte)(Mod(point.X * inverse).IsEven ? 0 : 0x80);
        return bytes;
    }

    private static BigInteger Mod(BigInteger value)
    {
        BigInteger result = value % P;
        return result.Sign < 0 ? result + P : result;
    }

    private static BigInteger Invert(BigInteger value) => BigInteger.ModPow(Mod(value), P - 2, P);

    private static BigInteger ToInteger(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true);

    private static byte[] ToBytes(BigInteger value)
    {
        byte[] bytes = new byte[KeySize];
        value.TryWriteBytes(bytes, out _, isUnsigned: true);
        return bytes;
    }

    private readonly record struct Point(BigInteger X, BigInteger Y, BigInteger Z, BigInteger T);
}
