using System.Numerics;
using System.Security.Cryptography;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>
/// Ed25519 signatures, which .NET lacks, only for the token authority of a session. Its key is made of the daemon's salt and a seed of this machine;
/// by it a daemon recognizes that two sessions are of the same user.
/// </summary>
/// <remarks>
/// RFC 8032, section 5.1. The walk on the curve takes constant time, the arithmetic of scalars does not. So this class must not get keys that are
/// worth a timing attack: SSH keys go to OpenSSH's agent instead.
/// </remarks>
internal static class Ed25519
{
    public const int KeySize = 32;

    public const int SignatureSize = 64;

    private static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);

    // Twice the curve's d, and its base point, whose y is 4/5.
    private static readonly Curve25519Field TwiceD = FromHex("A3785913CA4DEB75ABD841414D0A700098E879777940C78C73FE6F2BEE6C0352") + FromHex("A3785913CA4DEB75ABD841414D0A700098E879777940C78C73FE6F2BEE6C0352");
    private static readonly Point Base = Point.From(
        FromHex("1AD5258F602D56C9B2A7259560C72C695CDCD6FD31E2A4C0FE536ECDD3366921"),
        FromHex("5866666666666666666666666666666666666666666666666666666666666666"));

    public static byte[] PublicKey(ReadOnlySpan<byte> seed) => Encode(Multiply(Base, Clamp(SHA512.HashData(seed))));

    public static byte[] Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> message)
    {
        byte[] hash = SHA512.HashData(seed);
        byte[] publicKey = PublicKey(seed);
        BigInteger r = ToInteger(SHA512.HashData([.. hash.AsSpan(32), .. message])) % L;
        byte[] commitment = Encode(Multiply(Base, ToBytes(r)));
        BigInteger k = ToInteger(SHA512.HashData([.. commitment, .. publicKey, .. message])) % L;
        BigInteger s = (r + (k * ToInteger(Clamp(hash)))) % L;
        return [.. commitment, .. ToBytes(s)];
    }

    private static byte[] Clamp(byte[] hash)
    {
        byte[] scalar = hash[..KeySize];
        scalar[0] &= 0xF8;
        scalar[31] &= 0x7F;
        scalar[31] |= 0x40;
        return scalar;
    }

    private static Point Multiply(Point point, byte[] scalar)
    {
        Point sum = new(Curve25519Field.Zero, Curve25519Field.One, Curve25519Field.One, Curve25519Field.Zero);
        for (int bit = (KeySize * 8) - 1; bit >= 0; bit--)
        {
            sum = Add(sum, sum);
            sum = Point.Select((scalar[bit >> 3] >> (bit & 7) & 1) != 0, sum, Add(sum, point));
        }

        return sum;
    }

    // Complete: the same formula for any two points, equal or not (section 5.1.4).
    private static Point Add(in Point p, in Point q)
    {
        Curve25519Field a = (p.Y - p.X) * (q.Y - q.X);
        Curve25519Field b = (p.Y + p.X) * (q.Y + q.X);
        Curve25519Field c = p.T * q.T * TwiceD;
        Curve25519Field half = p.Z * q.Z;
        Curve25519Field d = half + half;
        Curve25519Field e = b - a;
        Curve25519Field f = d - c;
        Curve25519Field g = d + c;
        Curve25519Field h = b + a;
        return new Point(e * f, g * h, f * g, e * h);
    }

    private static byte[] Encode(in Point point)
    {
        Curve25519Field inverse = point.Z.Invert();
        byte[] bytes = (point.Y * inverse).ToBytes();
        bytes[31] |= (byte)(((point.X * inverse).ToBytes()[0] & 1) << 7);
        return bytes;
    }

    private static Curve25519Field FromHex(string hex) => Curve25519Field.From(Convert.FromHexString(hex));

    private static BigInteger ToInteger(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true);

    private static byte[] ToBytes(BigInteger value)
    {
        byte[] bytes = new byte[KeySize];
        value.TryWriteBytes(bytes, out _, isUnsigned: true);
        return bytes;
    }

    private readonly record struct Point(Curve25519Field X, Curve25519Field Y, Curve25519Field Z, Curve25519Field T)
    {
        public static Point From(Curve25519Field x, Curve25519Field y) => new(x, y, Curve25519Field.One, x * y);

        public static Point Select(bool second, in Point a, in Point b) => new(
            Curve25519Field.Select(second, a.X, b.X), Curve25519Field.Select(second, a.Y, b.Y), Curve25519Field.Select(second, a.Z, b.Z), Curve25519Field.Select(second, a.T, b.T));
    }
}
