namespace OpenCloud.Build.Client.Vulnerabilities.Versions;

/// <summary>Versions of Alpine packages: numbers, a letter, suffixes such as _rc1 or _p2, a commit and a revision.</summary>
/// <remarks>apk-package(5) of apk-tools, "Package version"; how unequal parts compare: src/version.c of apk-tools 2.14.</remarks>
internal static class AlpineVersion
{
    private static readonly string[] Before = ["alpha", "beta", "pre", "rc"];
    private static readonly string[] After = ["cvs", "svn", "git", "hg", "p"];

    // In the order in which they follow each other in a version: the version that ends first has the later kind.
    private enum Kind
    {
        FirstNumber,
        Number,
        Letter,
        Suffix,
        SuffixNumber,
        Commit,
        Revision,
        End,
    }

    public static int? Compare(string left, string right)
    {
        if (Parse(left) is not { } first || Parse(right) is not { } second)
        {
            return null;
        }

        for (int i = 0; ; i++)
        {
            (Kind Kind, string Text) a = first[i];
            (Kind Kind, string Text) b = second[i];
            if (a.Kind != b.Kind)
            {
                return IsBefore(a) ? -1 : IsBefore(b) ? 1 : b.Kind.CompareTo(a.Kind);
            }

            if (a.Kind == Kind.End)
            {
                return 0;
            }

            int order = CompareParts(a.Kind, a.Text, b.Text);
            if (order != 0)
            {
                return order;
            }
        }
    }

    private static bool IsBefore((Kind Kind, string Text) part) => part.Kind == Kind.Suffix && Rank(part.Text) < 0;

    private static int CompareParts(Kind kind, string left, string right) => kind switch
    {
        Kind.Suffix => Rank(left).CompareTo(Rank(right)),
        Kind.Letter or Kind.Commit => Math.Sign(string.CompareOrdinal(left, right)),

        // With a leading zero, a number is a decimal fraction.
        Kind.Number when left[0] == '0' || right[0] == '0' => Math.Sign(string.CompareOrdinal(left, right)),
        _ => Digits.Compare(left, right),
    };

    private static int Rank(string suffix)
    {
        int before = Array.IndexOf(Before, suffix);
        return before >= 0 ? before - Before.Length : Array.IndexOf(After, suffix) + 1;
    }

    private static List<(Kind Kind, string Text)>? Parse(string text)
    {
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        List<(Kind Kind, string Text)> parts = [];
        if (rest.Length > VersionOrders.MostCharacters || !Take(ref rest, Digits.Count(rest), Kind.FirstNumber, parts))
        {
            return null;
        }

        while (rest.StartsWith('.'))
        {
            rest = rest[1..];
            if (!Take(ref rest, Digits.Count(rest), Kind.Number, parts))
            {
                return null;
            }
        }

        _ = Take(ref rest, rest.Length > 0 && char.IsAsciiLetterLower(rest[0]) ? 1 : 0, Kind.Letter, parts);
        while (rest.StartsWith('_'))
        {
            rest = rest[1..];
            int letters = rest.IndexOfAnyExceptInRange('a', 'z');
            if (!Take(ref rest, letters < 0 ? rest.Length : letters, Kind.Suffix, parts) || Rank(parts[^1].Text) == 0)
            {
                return null;
            }

            _ = Take(ref rest, Digits.Count(rest), Kind.SuffixNumber, parts);
        }

        if (rest.StartsWith('~'))
        {
            rest = rest[1..];
            int hex = rest.IndexOfAnyExcept("0123456789abcdef");
            if (!Take(ref rest, hex < 0 ? rest.Length : hex, Kind.Commit, parts))
            {
                return null;
            }
        }

        if (rest.StartsWith("-r", StringComparison.Ordinal))
        {
            rest = rest[2..];
            if (!Take(ref rest, Digits.Count(rest), Kind.Revision, parts))
            {
                return null;
            }
        }

        parts.Add((Kind.End, string.Empty));
        return rest.IsEmpty ? parts : null;
    }

    private static bool Take(ref ReadOnlySpan<char> rest, int count, Kind kind, List<(Kind Kind, string Text)> parts)
    {
        if (count == 0)
        {
            return false;
        }

        parts.Add((kind, rest[..count].ToString()));
        rest = rest[count..];
        return true;
    }
}
