using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Screen;

/// <remarks>Unicode Standard Annex 11: East Asian wide and fullwidth characters take two columns, combining marks none.</remarks>
internal static class TextWidth
{
    private static readonly (int First, int Last)[] Wide =
    [
        (0x1100, 0x115F), (0x231A, 0x231B), (0x23E9, 0x23EC), (0x2614, 0x2615), (0x26A1, 0x26A1), (0x2705, 0x2705), (0x274C, 0x274C), (0x2E80, 0x303E),
        (0x3041, 0x33FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF), (0xA960, 0xA97F), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE30, 0xFE6F),
        (0xFF00, 0xFF60), (0xFFE0, 0xFFE6), (0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1F9FF), (0x20000, 0x3FFFD),
    ];

    /// <summary>The text must not contain control characters.</summary>
    public static int Of(string text)
    {
        int width = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            width += Of(rune);
        }

        return width;
    }

    public static string Cut(string text, int columns, string ellipsis)
    {
        // Long lines are common, and their end is never shown.
        if (text.Length <= columns * 4 && Of(text) <= columns)
        {
            return text;
        }

        StringBuilder kept = new();
        int left = columns - ellipsis.Length;
        foreach (Rune rune in text.EnumerateRunes())
        {
            left -= Of(rune);
            if (left < 0)
            {
                break;
            }

            kept.Append(rune);
        }

        return columns < ellipsis.Length ? string.Empty : kept.Append(ellipsis).ToString();
    }

    private static int Of(Rune rune)
    {
        if (rune.Value is >= ' ' and < 0x300)
        {
            return 1;
        }

        UnicodeCategory category = Rune.GetUnicodeCategory(rune);
        if (category is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.Control)
        {
            return 0;
        }

        foreach ((int first, int last) in Wide)
        {
            if (rune.Value < first)
            {
                return 1;
            }

            if (rune.Value <= last)
            {
                return 2;
            }
        }

        return 1;
    }
}
