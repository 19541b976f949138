using System.Globalization;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

/// <summary>Whether a version satisfies a constraint: <c>>= 1.2, &lt; 2 || ~3.1</c>.</summary>
/// <remarks>The rules are those of Masterminds/semver: <c>^</c> keeps the leftmost nonzero number, <c>~</c> the minor one, <c>x</c> matches any.</remarks>
internal static class VersionFunction
{
    private static readonly string[] Signs = [">=", "=>", "<=", "=<", "!=", ">", "<", "=", "~>", "~", "^"];

    public static bool Satisfies(HclCall call, string version, string constraint)
    {
        Number given = Read(version, isWhole: false) ?? throw call.Refuse($"'{version}' is not a version.");
        return constraint.Split("||").Any(all => Parts(call, all).All(one => Holds(given, one.Sign, one.Number)));
    }

    private static IEnumerable<(string Sign, Number Number)> Parts(HclCall call, string text)
    {
        string[] words = [.. text.Replace(',', ' ').Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        if (words.Length == 0)
        {
            throw call.Refuse("the constraint is empty.");
        }

        for (int i = 0; i < words.Length; i++)
        {
            if (i + 2 < words.Length && words[i + 1] == "-")
            {
                yield return (">=", Version(call, words[i]));
                yield return ("<=", Version(call, words[i + 2]));
                i += 2;
                continue;
            }

            string sign = Signs.FirstOrDefault(s => words[i].StartsWith(s, StringComparison.Ordinal)) ?? "";
            string number = words[i][sign.Length..];
            if (number.Length == 0 && i + 1 < words.Length)
            {
                number = words[++i];
            }

            yield return (sign, Version(call, number));
        }
    }

    private static Number Version(HclCall call, string text) => Read(text, isWhole: true) ?? throw call.Refuse($"'{text}' in the constraint is not a version.");

    private static bool Holds(Number given, string sign, Number wanted)
    {
        // A prerelease matches only when the constraint names a prerelease.
        if (given.Before.Length > 0 && wanted.Before.Length == 0)
        {
            return false;
        }

        int order = Compare(given, wanted);
        return sign switch
        {
            "" or "=" => wanted.Known < 3 ? Shares(given, wanted, wanted.Known) : order == 0,
            "!=" => wanted.Known < 3 ? !Shares(given, wanted, wanted.Known) : order != 0,
            ">" => wanted.Known < 3 ? order > 0 && !Shares(given, wanted, wanted.Known) : order > 0,
            ">=" or "=>" => order >= 0,
            "<" => order < 0,
            "<=" or "=<" => wanted.Known < 3 ? order <= 0 || Shares(given, wanted, wanted.Known) : order <= 0,
            "~" or "~>" => order >= 0 && Shares(given, wanted, Math.Min(wanted.Known, 2)),
            _ => order >= 0 && Shares(given, wanted, wanted.Major > 0 ? Math.Min(wanted.Known, 1) : wanted.Minor > 0 ? Math.Min(wanted.Known, 2) : wanted.Known),
        };
    }

    private static bool Shares(Number first, Number second, int parts) =>
        (parts < 1 || first.Major == second.Major) && (parts < 2 || first.Minor == second.Minor) && (parts < 3 || first.Patch == second.Patch);

    private static int Compare(Number first, Number second)
    {
        int order = (first.Major, first.Minor, first.Patch).CompareTo((second.Major, second.Minor, second.Patch));
        if (order != 0 || first.Before == second.Before)
        {
            return order;
        }

        if (first.Before.Length == 0 || second.Before.Length == 0)
        {
            return first.Before.Length == 0 ? 1 : -1;
        }

        string[] a = first.Before.Split('.');
        string[] b = second.Before.Split('.');
        for (int i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            bool isNumberA = ulong.TryParse(a[i], NumberStyles.None, CultureInfo.InvariantCulture, out ulong numberA);
            bool isNumberB = ulong.TryParse(b[i], NumberStyles.None, CultureInfo.InvariantCulture, out ulong numberB);
            order = isNumberA && isNumberB ? numberA.CompareTo(numberB) : isNumberA != isNumberB ? (isNumberA ? -1 : 1) : string.CompareOrdinal(a[i], b[i]);
            if (order != 0)
            {
                return order;
            }
        }

        return a.Length.CompareTo(b.Length);
    }

    private static Number? Read(string text, bool isWhole)
    {
        string rest = text.StartsWith('v') ? text[1..] : text;
        rest = rest.Split('+', 2)[0];
        string[] halves = rest.Split('-', 2);
        string[] parts = halves[0].Split('.');
        if (parts.Length > 3 || (halves.Length == 2 && halves[1].Length == 0))
        {
            return null;
        }

        long[] numbers = new long[3];
        int known = 0;
        foreach (string part in parts)
        {
            if (isWhole && part is "x" or "X" or "*")
            {
                break;
            }

            if (!long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out numbers[known]))
            {
                return null;
            }

            known++;
        }

        return new Number(numbers[0], numbers[1], numbers[2], halves.Length == 2 ? halves[1] : string.Empty, known);
    }

    private readonly record struct Number(long Major, long Minor, long Patch, string Before, int Known);
}
