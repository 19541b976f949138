namespace OpenCloud.Build.Fuzz;

/// <summary>Makes inputs of others: bits, bytes, words of the formats, repetition and pieces of one in another.</summary>
internal sealed class Mutator(ulong seed)
{
    private const int MostBytes = 16 * 1024;

    // Most inputs stay short: what a parser takes is decided by few bytes, and short ones are tried often.
    private const int UsualBytes = 512;

    private static readonly byte[][] Words =
    [
        [0], [0xFF], [0x7F], [0x80], [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], "\n"u8.ToArray(), "\\"u8.ToArray(), "\""u8.ToArray(), "*"u8.ToArray(),
        "**/"u8.ToArray(), "[^"u8.ToArray(), "{1000}"u8.ToArray(), "../"u8.ToArray(), "${a:-"u8.ToArray(), "\u001b["u8.ToArray(), "{\""u8.ToArray(), "1e99"u8.ToArray(), "null"u8.ToArray(),
        "<<EOF\n"u8.ToArray(), [0xC0, 0x80], [0xED, 0xA0, 0x80], "-1"u8.ToArray(), "[]"u8.ToArray(), "\"\\ud800\""u8.ToArray(), "9223372036854775808"u8.ToArray(),
    ];

    private readonly byte[] _work = new byte[2 * MostBytes];
    private ulong _state = seed;
    private int _length;

    /// <summary>A number below another.</summary>
    public int Next(int below)
    {
        // SplitMix64 (Steele, Lea and Flood): the quality that mutations need, at the price that they have.
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (int)(((z ^ (z >> 31)) >> 32) * (ulong)below >> 32);
    }

    /// <summary>Makes an input of one of those that are there.</summary>
    public byte[] Mutate(List<byte[]> inputs)
    {
        byte[] input = inputs[Next(inputs.Count)];
        int most = Next(32) == 0 ? MostBytes : Math.Min(MostBytes, Math.Max(UsualBytes, input.Length + 64));
        _length = Math.Min(input.Length, most);
        input.AsSpan(0, _length).CopyTo(_work);
        for (int times = 1 << Next(4); times > 0; times--)
        {
            int at = Next(_length + 1);
            int length = Math.Min(1 + Next(16), _length - at);
            switch (Next(8))
            {
                case 0 when at < _length:
                    _work[at] ^= (byte)(1 << Next(8));
                    break;
                case 1 when at < _length:
                    _work[at] = (byte)Next(256);
                    break;
                case 2:
                    Remove(at, length);
                    break;
                case 3:
                    Insert(at, Words[Next(Words.Length)], most);
                    break;
                case 4 when Next(8) == 0:
                    // Again and again: bombs are made of repetition.
                    byte[] part = _work.AsSpan(at, length).ToArray();
                    for (int i = 1 << Next(8); i > 0 && part.Length > 0; i--)
                    {
                        Insert(at, part, most);
                    }

                    break;
                case 5:
                    byte[] other = inputs[Next(inputs.Count)];
                    int from = Next(other.Length + 1);
                    Insert(at, other.AsSpan(from, Math.Min(Next(64), other.Length - from)), most);
                    break;
                case 6 when at + length < _length:
                    // A piece over another of the same input.
                    _work.AsSpan(at, length).CopyTo(_work.AsSpan(Next(_length - length)));
                    break;
                default:
                    Insert(at, [(byte)Next(256)], most);
                    break;
            }
        }

        return _work.AsSpan(0, _length).ToArray();
    }

    private void Remove(int at, int length)
    {
        _work.AsSpan(at + length, _length - at - length).CopyTo(_work.AsSpan(at));
        _length -= length;
    }

    private void Insert(int at, ReadOnlySpan<byte> bytes, int most)
    {
        if (_length + bytes.Length > most)
        {
            return;
        }

        _work.AsSpan(at, _length - at).CopyTo(_work.AsSpan(at + bytes.Length));
        bytes.CopyTo(_work.AsSpan(at));
        _length += bytes.Length;
    }
}
