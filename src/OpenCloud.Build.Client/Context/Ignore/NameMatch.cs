using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>The shell-like match of one path (<c>*</c>, <c>?</c>, classes, escapes) that follow-paths use for their wildcards.</summary>
/// <remarks>
/// Source: Go's <c>filepath.Match</c>, which fsutil's followlinks.go calls on names and patternmatcher.go calls to refuse
/// malformed patterns. It differs from the pattern language of <see cref="Pattern"/>, which knows <c>**</c>.
/// </remarks>
internal static class NameMatch
{
    private static ReadOnlySpan<byte> Dot => "."u8;

    /// <summary>Whether moby's matcher refuses the pattern, which it tests by matching it with a dot.</summary>
    public static bool IsRefused(ReadOnlySpan<byte> pattern)
    {
        IsMatch(pattern, Dot, out bool malformed);
        return malformed;
    }

    public static bool HasWildcard(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case (byte)'\\':
                    i++;
                    break;
                case (byte)'*' or (byte)'?' or (byte)'[':
                    return true;
            }
        }

        return false;
    }

    /// <summary>Whether the whole name matches, and whether the match reached an incomplete escape or class.</summary>
    /// <remarks>Nothing is parsed after a part that does not match, so a pattern may be malformed for one name and just not match another.</remarks>
    public static bool IsMatch(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> name, out bool malformed)
    {
        malformed = false;
        while (!pattern.IsEmpty)
        {
            ReadOnlySpan<byte> rest = pattern.TrimStart((byte)'*');
            bool star = rest.Length < pattern.Length;
            int length = ChunkLength(rest);
            ReadOnlySpan<byte> chunk = rest[..length];
            pattern = rest[length..];
            if (chunk.IsEmpty)
            {
                return !name.Contains(BytePath.Separator);
            }

            bool found = MatchesStart(chunk, name, out ReadOnlySpan<byte> left, out malformed);
            bool isLast = pattern.IsEmpty;
            for (int skip = 1; star && !malformed && (!found || (isLast && !left.IsEmpty)); skip++)
            {
                if (skip > name.Length || name[skip - 1] == BytePath.Separator)
                {
                    return false;
                }

                found = MatchesStart(chunk, name[skip..], out left, out malformed);
            }

            if (!found || malformed || (isLast && !left.IsEmpty))
            {
                return false;
            }

            name = left;
        }

        return name.IsEmpty;
    }

    /// <summary>The length of the part before the next star.</summary>
    private static int ChunkLength(ReadOnlySpan<byte> pattern)
    {
        bool inClass = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case (byte)'\\' when i + 1 < pattern.Length:
                    i++;
                    break;
                case (byte)'[':
                    inClass = true;
                    break;
                case (byte)']':
                    inClass = false;
                    break;
                case (byte)'*' when !inClass:
                    return i;
            }
        }

        return pattern.Length;
    }

    /// <summary>Whether a part without stars matches the beginning of the name. All of the part is checked in any case.</summary>
    private static bool MatchesStart(ReadOnlySpan<byte> chunk, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> left, out bool malformed)
    {
        bool matches = true;
        malformed = false;
        while (!chunk.IsEmpty && !malformed)
        {
            matches &= !name.IsEmpty;
            int width = 1;
            switch (chunk[0])
            {
                case (byte)'[':
                    int rune = matches ? Utf8.Decode(name, out width) : -1;
                    malformed = !ReadClass(ref chunk, rune, out bool contains);
                    matches &= contains;
                    break;
                case (byte)'?':
                    matches = matches && name[0] != BytePath.Separator;
                    if (matches)
                    {
                        Utf8.Decode(name, out width);
                    }

                    chunk = chunk[1..];
                    break;
                case (byte)'\\' when chunk.Length == 1:
                    malformed = true;
                    break;
                default:
                    chunk = chunk[0] == (byte)'\\' ? chunk[1..] : chunk;
                    matches = matches && chunk[0] == name[0];
                    chunk = chunk[1..];
                    break;
            }

            name = matches ? name[width..] : name;
        }

        left = name;
        return matches && !malformed;
    }

    private static bool ReadClass(ref ReadOnlySpan<byte> pattern, int rune, out bool contains)
    {
        contains = false;
        pattern = pattern[1..];
        bool negated = !pattern.IsEmpty && pattern[0] == (byte)'^';
        if (negated)
        {
            pattern = pattern[1..];
        }

        for (int ranges = 0; ; ranges++)
        {
            if (!pattern.IsEmpty && pattern[0] == (byte)']' && ranges > 0)
            {
                pattern = pattern[1..];
                contains ^= negated;
                return true;
            }

            if (!ReadBound(ref pattern, out int low))
            {
                return false;
            }

            int high = low;
            if (pattern[0] == (byte)'-')
            {
                pattern = pattern[1..];
                if (!ReadBound(ref pattern, out high))
                {
                    return false;
                }
            }

            contains |= low <= rune && rune <= high;
        }
    }

    private static bool ReadBound(ref ReadOnlySpan<byte> pattern, out int rune)
    {
        rune = 0;
        if (pattern.IsEmpty || pattern[0] == (byte)'-' || pattern[0] == (byte)']')
        {
            return false;
        }

        if (pattern[0] == (byte)'\\')
        {
            pattern = pattern[1..];
            if (pattern.IsEmpty)
            {
                return false;
            }
        }

        rune = Utf8.Decode(pattern, out int width);
        if (rune == Utf8.Replacement && width == 1)
        {
            return false;
        }

        pattern = pattern[width..];
        return !pattern.IsEmpty;
    }
}
