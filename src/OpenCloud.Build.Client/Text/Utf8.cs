using System.Buffers;
using System.Text;

namespace OpenCloud.Build.Client.Text;

/// <summary>Decodes UTF-8 as patterns require: every invalid byte counts as one U+FFFD.</summary>
internal static class Utf8
{
    public const int Replacement = 0xFFFD;

    /// <summary>Decodes the first scalar. An invalid sequence gives U+FFFD and a width of one byte, however long it is.</summary>
    public static int Decode(ReadOnlySpan<byte> text, out int width)
    {
        if (text[0] < 0x80)
        {
            width = 1;
            return text[0];
        }

        if (Rune.DecodeFromUtf8(text, out Rune rune, out int consumed) == OperationStatus.Done)
        {
            width = consumed;
            return rune.Value;
        }

        width = 1;
        return Replacement;
    }

    /// <summary>Decodes the last scalar, with the same rule.</summary>
    public static int DecodeLast(ReadOnlySpan<byte> text, out int width)
    {
        if (Rune.DecodeLastFromUtf8(text, out Rune rune, out int consumed) == OperationStatus.Done)
        {
            width = consumed;
            return rune.Value;
        }

        width = 1;
        return Replacement;
    }

    public static void Append(List<byte> output, int scalar)
    {
        Span<byte> buffer = stackalloc byte[4];
        int length = new Rune(scalar).EncodeToUtf8(buffer);
        output.AddRange(buffer[..length]);
    }

    /// <summary>Unicode's White_Space property.</summary>
    public static bool IsSpace(int rune) => rune switch
    {
        (>= 0x09 and <= 0x0D) or 0x20 or 0x85 or 0xA0 or 0x1680 => true,
        (>= 0x2000 and <= 0x200A) or 0x2028 or 0x2029 or 0x202F or 0x205F or 0x3000 => true,
        _ => false,
    };

    // Longer than any path. Longer text is a pattern or an engine's message, which nobody reads to its end.
    private const int MostDisplayed = 8 * 1024;

    /// <summary>A readable name of at most 8 KiB: invalid UTF-8 bytes and control characters appear as <c>\xNN</c>.</summary>
    public static string Display(ReadOnlySpan<byte> text)
    {
        bool isCut = text.Length > MostDisplayed;
        text = isCut ? text[..MostDisplayed] : text;
        StringBuilder builder = new(text.Length);
        while (!text.IsEmpty)
        {
            int rune = Decode(text, out int width);
            if ((rune == Replacement && width == 1) || rune < 0x20 || rune == 0x7F)
            {
                builder.Append("\\x").Append(text[0].ToString("x2"));
            }
            else
            {
                builder.Append(new Rune(rune));
            }

            text = text[width..];
        }

        return (isCut ? builder.Append('…') : builder).ToString();
    }
}
