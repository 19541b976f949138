namespace OpenCloud.Build.Client.Vulnerabilities.Versions;

/// <summary>Versions of Debian packages: epoch, upstream version and revision.</summary>
/// <remarks>Debian policy 5.6.12, and deb-version(7): letters before other characters, "~" before the end of a part.</remarks>
internal static class DebianVersion
{
    public static int? Compare(string left, string right)
    {
        if (!TryParse(left, out string[] first) || !TryParse(right, out string[] second))
        {
            return null;
        }

        int order = Digits.Compare(first[0], second[0]);
        order = order != 0 ? order : ComparePart(first[1], second[1]);
        return order != 0 ? order : ComparePart(first[2], second[2]);
    }

    private static bool TryParse(string text, out string[] parts)
    {
        text = text.Trim();
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string epoch = colon < 0 ? "0" : text[..colon];
        string rest = text[(colon + 1)..];
        int dash = rest.LastIndexOf('-');
        parts = [epoch, dash < 0 ? rest : rest[..dash], dash < 0 ? "0" : rest[(dash + 1)..]];
        return text.Length <= VersionOrders.MostCharacters && Digits.Are(epoch) && rest.Length > 0
            && rest.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '+' or '-' or '~' or ':');
    }

    private static int ComparePart(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        while (!left.IsEmpty || !right.IsEmpty)
        {
            int letters = Math.Max(Letters(left), Letters(right));
            for (int i = 0; i < letters; i++)
            {
                int order = Weight(left, i).CompareTo(Weight(right, i));
                if (order != 0)
                {
                    return order;
                }
            }

            left = left[Math.Min(letters, left.Length)..];
            right = right[Math.Min(letters, right.Length)..];
            int numbers = Digits.Compare(left[..Digits.Count(left)], right[..Digits.Count(right)]);
            if (numbers != 0)
            {
                return numbers;
            }

            left = left[Digits.Count(left)..];
            right = right[Digits.Count(right)..];
        }

        return 0;
    }

    private static int Letters(ReadOnlySpan<char> text)
    {
        int end = text.IndexOfAnyInRange('0', '9');
        return end < 0 ? text.Length : end;
    }

    // A digit ends a run of other characters, as the end of the text does.
    private static int Weight(ReadOnlySpan<char> text, int index) =>
        index >= text.Length || char.IsAsciiDigit(text[index]) ? 0
        : text[index] == '~' ? -1
        : char.IsAsciiLetter(text[index]) ? text[index]
        : text[index] + 256;
}
