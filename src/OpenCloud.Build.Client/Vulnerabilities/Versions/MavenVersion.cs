namespace OpenCloud.Build.Client.Vulnerabilities.Versions;

/// <summary>Versions of Maven packages, which may have any form.</summary>
/// <remarks>maven.apache.org/pom.html, "Version Order Specification".</remarks>
internal sealed class MavenVersion
{
    // In their order; the empty one is the release itself.
    private static readonly string[] Qualifiers = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

    private readonly List<Token> _tokens = [];

    private MavenVersion()
    {
    }

    public static int? Compare(string left, string right)
    {
        if (left.Length is 0 or > VersionOrders.MostCharacters || right.Length is 0 or > VersionOrders.MostCharacters)
        {
            return null;
        }

        List<Token> first = Parse(left)._tokens;
        List<Token> second = Parse(right)._tokens;
        for (int i = 0; i < Math.Max(first.Count, second.Count); i++)
        {
            Token a = i < first.Count ? first[i] : second[i].Padding;
            Token b = i < second.Count ? second[i] : first[i].Padding;
            int order = a.CompareTo(b);
            if (order != 0)
            {
                return Math.Sign(order);
            }
        }

        return 0;
    }

    private static MavenVersion Parse(string text)
    {
        MavenVersion version = new();
        ReadOnlySpan<char> rest = text.Trim().ToLowerInvariant();
        char separator = '-';
        while (true)
        {
            int length = TokenLength(rest);
            ReadOnlySpan<char> word = rest[..length];
            rest = rest[length..];
            bool beforeNumber = rest.Length > 0 && char.IsAsciiDigit(rest[0]);
            version._tokens.Add(new Token(separator, Normalize(word, beforeNumber)));
            if (rest.IsEmpty)
            {
                break;
            }

            // Between a digit and a letter there is an invisible hyphen.
            bool isSeparator = IsSeparator(rest[0]);
            separator = isSeparator && rest[0] == '.' ? '.' : '-';
            rest = isSeparator ? rest[1..] : rest;
        }

        version.Trim();
        return version;
    }

    private static int TokenLength(ReadOnlySpan<char> text)
    {
        int at = 0;
        while (at < text.Length && !IsSeparator(text[at]) && char.IsAsciiDigit(text[at]) == char.IsAsciiDigit(text[0]))
        {
            at++;
        }

        return at;
    }

    private static bool IsSeparator(char c) => c is '.' or '-' or '_';

    private static string Normalize(ReadOnlySpan<char> word, bool beforeNumber) => word switch
    {
        "" => "0",
        "a" when beforeNumber => "alpha",
        "b" when beforeNumber => "beta",
        "m" when beforeNumber => "milestone",
        "cr" => "rc",
        "ga" or "final" or "release" => string.Empty,
        _ => word.ToString(),
    };

    // Null values at the end, and before each hyphen, do not count.
    private void Trim()
    {
        int end = _tokens.Count;
        while (end > 1)
        {
            while (end > 1 && _tokens[end - 1].IsNull)
            {
                _tokens.RemoveAt(--end);
            }

            do
            {
                end--;
            }
            while (end > 1 && _tokens[end].Separator != '-');
        }
    }

    private readonly record struct Token(char Separator, string Text)
    {
        public bool IsNumber => Digits.Are(Text);

        public bool IsNull => IsNumber ? Digits.IsZero(Text) : Text.Length == 0;

        /// <summary>What stands for this token in a version that has ended before.</summary>
        public Token Padding => this with { Text = IsNumber ? "0" : string.Empty };

        public int CompareTo(Token other)
        {
            if (!IsNumber || !other.IsNumber)
            {
                return !IsNumber && !other.IsNumber ? CompareQualifiers(Text, other.Text) : IsNumber.CompareTo(other.IsNumber);
            }

            return Separator != other.Separator ? (Separator == '.').CompareTo(other.Separator == '.') : Digits.Compare(Text, other.Text);
        }

        private static int CompareQualifiers(string left, string right)
        {
            int first = Array.IndexOf(Qualifiers, left);
            int second = Array.IndexOf(Qualifiers, right);
            return (first < 0 ? Qualifiers.Length : first).CompareTo(second < 0 ? Qualifiers.Length : second) is var known and not 0
                ? known
                : string.CompareOrdinal(left, right);
        }
    }
}
