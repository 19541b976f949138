using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

/// <summary>Password hashes in the form <c>$2a$</c>, as the function of that name makes them; .NET has none.</summary>
/// <remarks>
/// Provos and Mazières, "A Future-Adaptable Password Scheme", 1999, section 4; Schneier, "Description of a New Variable-Length Key, 64-Bit Block
/// Cipher (Blowfish)", 1993. The limits are those of golang.org/x/crypto/bcrypt, which bake calls.
/// </remarks>
internal sealed class Bcrypt
{
    public const int DefaultCost = 10;
    public const int LeastCost = 4;
    public const int MostBytes = 72;
    public const int SaltBytes = 16;

    private const int HashBytes = 23;
    private const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int Rounds = 16;

    private static readonly Lazy<uint[]> Begin = new(static () => PiFraction.Words(Rounds + 2 + (4 * 256)));

    // The subkeys, then the four boxes, as they follow each other in π.
    private readonly uint[] _state = [.. Begin.Value];

    private Bcrypt()
    {
    }

    /// <summary>The hash of a password: version, cost, salt and hash.</summary>
    public static string Hash(ReadOnlySpan<byte> password, int cost, ReadOnlySpan<byte> salt)
    {
        byte[] key = [.. password, 0];
        Bcrypt cipher = new();
        cipher.Expand(key, salt);
        for (long left = 1L << cost; left > 0; left--)
        {
            cipher.Expand(key, default);
            cipher.Expand(salt, default);
        }

        byte[] text = Encoding.ASCII.GetBytes("OrpheanBeholderScryDoubt");
        for (int block = 0; block < text.Length; block += 8)
        {
            uint left = BinaryPrimitives.ReadUInt32BigEndian(text.AsSpan(block));
            uint right = BinaryPrimitives.ReadUInt32BigEndian(text.AsSpan(block + 4));
            for (int i = 0; i < 64; i++)
            {
                cipher.Encrypt(ref left, ref right);
            }

            BinaryPrimitives.WriteUInt32BigEndian(text.AsSpan(block), left);
            BinaryPrimitives.WriteUInt32BigEndian(text.AsSpan(block + 4), right);
        }

        return string.Create(CultureInfo.InvariantCulture, $"$2a${cost:00}${Encode(salt)}{Encode(text.AsSpan(0, HashBytes))}");
    }

    private void Expand(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt)
    {
        int place = 0;
        for (int i = 0; i < Rounds + 2; i++)
        {
            _state[i] ^= Next(key, ref place);
        }

        place = 0;
        uint left = 0;
        uint right = 0;
        for (int i = 0; i < _state.Length; i += 2)
        {
            if (!salt.IsEmpty)
            {
                left ^= Next(salt, ref place);
                right ^= Next(salt, ref place);
            }

            Encrypt(ref left, ref right);
            _state[i] = left;
            _state[i + 1] = right;
        }
    }

    private static uint Next(ReadOnlySpan<byte> bytes, ref int place)
    {
        uint word = 0;
        for (int i = 0; i < 4; i++)
        {
            word = (word << 8) | bytes[place];
            place = (place + 1) % bytes.Length;
        }

        return word;
    }

    private void Encrypt(ref uint left, ref uint right)
    {
        ReadOnlySpan<uint> boxes = _state.AsSpan(Rounds + 2);
        uint l = left ^ _state[0];
        uint r = right;
        for (int i = 1; i <= Rounds; i += 2)
        {
            r ^= Mix(boxes, l) ^ _state[i];
            l ^= Mix(boxes, r) ^ _state[i + 1];
        }

        left = r ^ _state[Rounds + 1];
        right = l;
    }

    private static uint Mix(ReadOnlySpan<uint> boxes, uint x) =>
        ((boxes[(int)(x >> 24)] + boxes[256 + (int)((x >> 16) & 0xff)]) ^ boxes[512 + (int)((x >> 8) & 0xff)]) + boxes[768 + (int)(x & 0xff)];

    // As base64 without padding, but with letters of its own.
    private static string Encode(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new();
        for (int bit = 0; bit < bytes.Length * 8; bit += 6)
        {
            int value = 0;
            for (int i = bit; i < bit + 6; i++)
            {
                value = (value << 1) | (i < bytes.Length * 8 ? (bytes[i / 8] >> (7 - (i % 8))) & 1 : 0);
            }

            text.Append(Alphabet[value]);
        }

        return text.ToString();
    }
}
