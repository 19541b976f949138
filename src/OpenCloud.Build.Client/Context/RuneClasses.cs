using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Client.Context;

/// <summary>The named sets of scalars that Go's regular expressions know.</summary>
internal static class RuneClasses
{
    /// <summary>A word character: ASCII only.</summary>
    public static bool IsWord(int rune) =>
        rune is (>= '0' and <= '9') or (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or '_';

    /// <summary>A hexadecimal digit's value, or -1.</summary>
    public static int Hex(int rune) => rune < 0x80 && char.IsAsciiHexDigit((char)rune) ? Convert.ToInt32(((char)rune).ToString(), 16) : -1;

    /// <summary>Adds a class of <c>[:name:]</c>, ASCII only; false when there is none of that name.</summary>
    public static bool AddNamed(RuneSet set, ReadOnlySpan<int> name)
    {
        bool negated = !name.IsEmpty && name[0] == '^';
        var key = new StringBuilder();
        foreach (int rune in negated ? name[1..] : name)
        {
            key.Append(rune < 0x80 ? (char)rune : '?');
        }

        Func<int, bool>? contains = key.ToString() switch
        {
            "alnum" => static rune => rune < 0x80 && char.IsAsciiLetterOrDigit((char)rune),
            "alpha" => static rune => rune < 0x80 && char.IsAsciiLetter((char)rune),
            "ascii" => static rune => rune < 0x80,
            "blank" => static rune => rune is '\t' or ' ',
            "cntrl" => static rune => rune is < 0x20 or 0x7F,
            "digit" => static rune => rune is >= '0' and <= '9',
            "graph" => static rune => rune is >= '!' and <= '~',
            "lower" => static rune => rune is >= 'a' and <= 'z',
            "print" => static rune => rune is >= ' ' and <= '~',
            "punct" => static rune => rune is >= '!' and <= '~' && !char.IsAsciiLetterOrDigit((char)rune),
            "space" => static rune => rune is (>= '\t' and <= '\r') or ' ',
            "upper" => static rune => rune is >= 'A' and <= 'Z',
            "word" => IsWord,
            "xdigit" => static rune => Hex(rune) >= 0,
            _ => null,
        };
        if (contains is null)
        {
            return false;
        }

        set.Add(contains, negated);
        return true;
    }

    /// <summary>Unicode's general categories, by one letter or two.</summary>
    public static Func<int, bool>? Category(ReadOnlySpan<int> name)
    {
        int first = name.IsEmpty ? 0 : name[0];
        UnicodeCategory[]? categories = name.Length switch
        {
            1 => first switch
            {
                'L' => Between(UnicodeCategory.UppercaseLetter, UnicodeCategory.OtherLetter),
                'M' => Between(UnicodeCategory.NonSpacingMark, UnicodeCategory.EnclosingMark),
                'N' => Between(UnicodeCategory.DecimalDigitNumber, UnicodeCategory.OtherNumber),
                'Z' => Between(UnicodeCategory.SpaceSeparator, UnicodeCategory.ParagraphSeparator),
                'C' => Between(UnicodeCategory.Control, UnicodeCategory.PrivateUse),
                'P' => Between(UnicodeCategory.ConnectorPunctuation, UnicodeCategory.OtherPunctuation),
                'S' => Between(UnicodeCategory.MathSymbol, UnicodeCategory.OtherSymbol),
                _ => null,
            },
            2 => (first, name[1]) switch
            {
                ('L', 'u') => [UnicodeCategory.UppercaseLetter],
                ('L', 'l') => [UnicodeCategory.LowercaseLetter],
                ('L', 't') => [UnicodeCategory.TitlecaseLetter],
                ('L', 'm') => [UnicodeCategory.ModifierLetter],
                ('L', 'o') => [UnicodeCategory.OtherLetter],
                ('M', 'n') => [UnicodeCategory.NonSpacingMark],
                ('M', 'c') => [UnicodeCategory.SpacingCombiningMark],
                ('M', 'e') => [UnicodeCategory.EnclosingMark],
                ('N', 'd') => [UnicodeCategory.DecimalDigitNumber],
                ('N', 'l') => [UnicodeCategory.LetterNumber],
                ('N', 'o') => [UnicodeCategory.OtherNumber],
                ('Z', 's') => [UnicodeCategory.SpaceSeparator],
                ('Z', 'l') => [UnicodeCategory.LineSeparator],
                ('Z', 'p') => [UnicodeCategory.ParagraphSeparator],
                ('C', 'c') => [UnicodeCategory.Control],
                ('C', 'f') => [UnicodeCategory.Format],
                ('C', 'o') => [UnicodeCategory.PrivateUse],
                ('C', 's') => [UnicodeCategory.Surrogate],
                ('P', 'c') => [UnicodeCategory.ConnectorPunctuation],
                ('P', 'd') => [UnicodeCategory.DashPunctuation],
                ('P', 's') => [UnicodeCategory.OpenPunctuation],
                ('P', 'e') => [UnicodeCategory.ClosePunctuation],
                ('P', 'i') => [UnicodeCategory.InitialQuotePunctuation],
                ('P', 'f') => [UnicodeCategory.FinalQuotePunctuation],
                ('P', 'o') => [UnicodeCategory.OtherPunctuation],
                ('S', 'm') => [UnicodeCategory.MathSymbol],
                ('S', 'c') => [UnicodeCategory.CurrencySymbol],
                ('S', 'k') => [UnicodeCategory.ModifierSymbol],
                ('S', 'o') => [UnicodeCategory.OtherSymbol],
                _ => null,
            },
            _ => null,
        };
        return categories is null
            ? null
            : rune => Array.IndexOf(categories, Rune.IsValid(rune) ? Rune.GetUnicodeCategory(new Rune(rune)) : UnicodeCategory.Surrogate) >= 0;
    }

    private static UnicodeCategory[] Between(UnicodeCategory first, UnicodeCategory last) =>
        [.. Enumerable.Range((int)first, last - first + 1).Select(static category => (UnicodeCategory)category)];
}
