namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Patterns of names: <c>*</c>, <c>?</c> and <c>[a-z]</c>, as in Go's path.Match. Names have no slash.</summary>
internal static class BakePattern
{
    public static bool IsPattern(string text) => text.AsSpan().ContainsAny('*', '?', '[');

    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        int star = -1;
        int retry = 0;
        int p = 0;
        int n = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = ++p;
                retry = n;
            }
            else if (p < pattern.Length && One(pattern, ref p, name[n]))
            {
                n++;
            }
            else if (star >= 0)
            {
                p = star;
                n = ++retry;
            }
            else
            {
                return false;
            }
        }

        return pattern[p..].TrimStart('*').IsEmpty;
    }

    // Matches one element of the pattern with a character; on success, p is the place after the element.
    private static bool One(ReadOnlySpan<char> pattern, ref int p, char c)
    {
        switch (pattern[p])
        {
            case '?':
                p++;
                return true;
            case '[':
                int end = pattern[p..].IndexOf(']');
                if (end < 2)
                {
                    return false;
                }

                ReadOnlySpan<char> set = pattern[(p + 1)..(p + end)];
                bool isNot = set[0] == '^';
                if (In(isNot ? set[1..] : set, c) == isNot)
                {
                    return false;
                }

                p += end + 1;
                return true;
            default:
                if (pattern[p] != c)
                {
                    return false;
                }

                p++;
                return true;
        }
    }

    private static bool In(ReadOnlySpan<char> set, char c)
    {
        for (int i = 0; i < set.Length; i++)
        {
            if (i + 2 < set.Length && set[i + 1] == '-')
            {
                if (c >= set[i] && c <= set[i + 2])
                {
                    return true;
                }

                i += 2;
            }
            else if (set[i] == c)
            {
                return true;
            }
        }

        return false;
    }
}
