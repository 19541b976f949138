namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>How often a part of a regular expression is repeated: <c>{n}</c>, <c>{n,}</c> (Most is -1) or <c>{n,m}</c>.</summary>
internal readonly record struct RepeatCount(int Least, int Most)
{
    /// <summary>The largest count that Go's regular expressions take.</summary>
    private const int MaxCount = 1000;

    public bool IsValid => Least <= MaxCount && Most <= MaxCount && (Most < 0 || Least <= Most);

    /// <summary>Reads a count at the beginning of a text; anything else that begins with a brace is literal text.</summary>
    public static bool TryRead(ReadOnlySpan<int> text, out RepeatCount count, out int length)
    {
        int at = 1;
        int most = -1;
        count = default;
        length = 0;
        if (!TryReadNumber(text, ref at, out int least))
        {
            return false;
        }

        if (at < text.Length && text[at] == ',')
        {
            at++;
            if (at < text.Length && text[at] != '}' && !TryReadNumber(text, ref at, out most))
            {
                return false;
            }
        }
        else
        {
            most = least;
        }

        if (at >= text.Length || text[at] != '}')
        {
            return false;
        }

        count = new RepeatCount(least, most);
        length = at + 1;
        return true;
    }

    private static bool TryReadNumber(ReadOnlySpan<int> text, ref int at, out int number)
    {
        number = 0;
        int start = at;
        for (; at < text.Length && text[at] is >= '0' and <= '9'; at++)
        {
            number = Math.Min((number * 10) + (text[at] - '0'), MaxCount + 1);
        }

        return at > start && (at == start + 1 || text[start] != '0');
    }
}
