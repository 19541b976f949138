using System.Text;

namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>The named sets of scalars that Go's regular expressions know.</summary>
internal static class RuneClasses
{
    /// <summary>The ranges of <c>\d</c>, as pairs of characters.</summary>
    public const string Digits = "09";

    /// <summary>The ranges of <c>\s</c>: no vertical tab.</summary>
    public const string Spaces = "\t\n\f\r  ";

    /// <summary>The ranges of <c>\w</c>: ASCII only.</summary>
    public const string Words = "09AZ__az";

    public const int LastRune = 0x10FFFF;

    public static bool IsWord(int rune) =>
        rune is (>= '0' and <= '9') or (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or '_';

    /// <summary>A hexadecimal digit's value, or -1.</summary>
    public static int Hex(int rune) => rune < 0x80 && char.IsAsciiHexDigit((char)rune) ? Convert.ToInt32(((char)rune).ToString(), 16) : -1;

    /// <summary>Adds ranges that are written as pairs of characters, or their complement.</summary>
    public static void Add(RuneSet set, string pairs, bool negated) => Add(set, [.. pairs.Select(static c => (int)c)], negated);

    public static void Add(RuneSet set, ReadOnlySpan<int> pairs, bool negated)
    {
        int next = 0;
        for (int i = 0; i < pairs.Length; i += 2)
        {
            if (!negated)
            {
                set.Add(pairs[i], pairs[i + 1]);
            }
            else if (pairs[i] > next)
            {
                set.Add(next, pairs[i] - 1);
            }

            next = pairs[i + 1] + 1;
        }

        if (negated && next <= LastRune)
        {
            set.Add(next, LastRune);
        }
    }

    /// <summary>Adds a class of <c>[:name:]</c>, ASCII only; false when the name is unknown.</summary>
    public static bool AddNamed(RuneSet set, ReadOnlySpan<int> name)
    {
        bool negated = !name.IsEmpty && name[0] == '^';
        StringBuilder key = new();
        foreach (int rune in negated ? name[1..] : name)
        {
            key.Append(rune < 0x80 ? (char)rune : '?');
        }

        string? pairs = key.ToString() switch
        {
            "alnum" => "09AZaz",
            "alpha" => "AZaz",
            "ascii" => "\0\x7F",
            "blank" => "\t\t  ",
            "cntrl" => "\0\x1F\x7F\x7F",
            "digit" => Digits,
            "graph" => "!~",
            "lower" => "az",
            "print" => " ~",
            "punct" => "!/:@[`{~",
            "space" => "\t\r  ",
            "upper" => "AZ",
            "word" => Words,
            "xdigit" => "09AFaf",
            _ => null,
        };
        if (pairs is not null)
        {
            Add(set, pairs, negated);
        }

        return pairs is not null;
    }
}
