namespace OpenCloud.Build.Client.Vulnerabilities.Versions;

/// <summary>Versions of RPM packages: epoch, version and release.</summary>
/// <remarks>rpm-version(7): runs of digits and of letters; "~" before, "^" after the same version without it.</remarks>
internal static class RpmVersion
{
    public static int? Compare(string left, string right)
    {
        if (Parse(left) is not { } first || Parse(right) is not { } second)
        {
            return null;
        }

        int order = Digits.Compare(first.Epoch, second.Epoch);
        order = order != 0 ? order : ComparePart(first.Version, second.Version);

        // A version without a release stands for all of its releases.
        return order != 0 || first.Release.Length == 0 || second.Release.Length == 0 ? order : ComparePart(first.Release, second.Release);
    }

    private static (string Epoch, string Version, string Release)? Parse(string text)
    {
        text = text.Trim();
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string epoch = colon < 0 ? "0" : text[..colon];
        string rest = text[(colon + 1)..];
        int dash = rest.LastIndexOf('-');
        return text.Length > VersionOrders.MostCharacters || rest.Length == 0 || !Digits.Are(epoch) || rest.Any(static c => c <= ' ' || c > '~')
            ? null
            : (epoch, dash < 0 ? rest : rest[..dash], dash < 0 ? string.Empty : rest[(dash + 1)..]);
    }

    private static int ComparePart(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        while (true)
        {
            left = SkipSeparators(left);
            right = SkipSeparators(right);
            if (Marks(left, right, '~') is { } before)
            {
                if (before != 0)
                {
                    return -before;
                }
            }
            else if (Marks(left, right, '^') is { } after)
            {
                // Only the end of a version comes before "^"; anything else that follows is newer.
                if (after != 0)
                {
                    return (after > 0 ? right : left).IsEmpty ? after : -after;
                }
            }
            else if (left.IsEmpty || right.IsEmpty)
            {
                return left.Length.CompareTo(right.Length);
            }
            else
            {
                bool isNumber = char.IsAsciiDigit(left[0]);
                int first = isNumber ? Digits.Count(left) : Letters(left);
                int second = isNumber ? Digits.Count(right) : Letters(right);
                if (second == 0)
                {
                    return isNumber ? 1 : -1;
                }

                int order = isNumber ? Digits.Compare(left[..first], right[..second]) : Math.Sign(left[..first].SequenceCompareTo(right[..second]));
                if (order != 0)
                {
                    return order;
                }

                left = left[first..];
                right = right[second..];
                continue;
            }

            left = left[1..];
            right = right[1..];
        }
    }

    // Null when neither begins with the mark, zero when both do, else the sign of the one that does.
    private static int? Marks(ReadOnlySpan<char> left, ReadOnlySpan<char> right, char mark) => (left.StartsWith(mark), right.StartsWith(mark)) switch
    {
        (false, false) => null,
        (true, true) => 0,
        (true, false) => 1,
        _ => -1,
    };

    private static ReadOnlySpan<char> SkipSeparators(ReadOnlySpan<char> text)
    {
        int at = 0;
        while (at < text.Length && !char.IsAsciiLetterOrDigit(text[at]) && text[at] is not ('~' or '^'))
        {
            at++;
        }

        return text[at..];
    }

    private static int Letters(ReadOnlySpan<char> text)
    {
        int at = 0;
        while (at < text.Length && char.IsAsciiLetter(text[at]))
        {
            at++;
        }

        return at;
    }
}
