namespace OpenCloud.Build.Client.Vulnerabilities.Versions;

/// <summary>Versions of Python packages.</summary>
/// <remarks>packaging.python.org, "Version specifiers" (PEP 440): normalization, and the summary of the order of suffixes.</remarks>
internal sealed class PythonVersion
{
    private static readonly (string Spelling, char Phase)[] Phases =
    [
        ("alpha", 'a'), ("beta", 'b'), ("preview", 'c'), ("pre", 'c'), ("rc", 'c'), ("a", 'a'), ("b", 'b'), ("c", 'c'),
    ];

    private static readonly string[] PostSpellings = ["post", "rev", "r"];

    private string _epoch = "0";
    private string[] _release = [];
    private char? _phase;
    private string _phaseNumber = "0";
    private string? _post;
    private string? _dev;
    private string[]? _local;

    public static int? Compare(string left, string right) =>
        Parse(left) is { } first && Parse(right) is { } second ? first.CompareTo(second) : null;

    private static PythonVersion? Parse(string text)
    {
        if (text.Length > VersionOrders.MostCharacters)
        {
            return null;
        }

        PythonVersion version = new();
        ReadOnlySpan<char> rest = text.Trim().ToLowerInvariant();
        rest = rest.StartsWith('v') ? rest[1..] : rest;
        int plus = rest.IndexOf('+');
        if (plus >= 0)
        {
            version._local = rest[(plus + 1)..].ToString().Split('.', '-', '_');
            rest = rest[..plus];
            if (!Array.TrueForAll(version._local, static s => s.Length > 0 && s.All(char.IsAsciiLetterOrDigit)))
            {
                return null;
            }
        }

        int bang = rest.IndexOf('!');
        if (bang >= 0)
        {
            version._epoch = rest[..bang].ToString();
            rest = rest[(bang + 1)..];
        }

        int end = rest.IndexOfAnyExcept("0123456789.");
        ReadOnlySpan<char> release = (end < 0 ? rest : rest[..end]).TrimEnd('.');
        rest = rest[release.Length..];
        version._release = release.ToString().Split('.');
        version.ReadPhase(ref rest);
        version.ReadPost(ref rest);
        version.ReadDev(ref rest);
        return rest.IsEmpty && Digits.Are(version._epoch) && Array.TrueForAll(version._release, static n => Digits.Are(n)) ? version : null;
    }

    private void ReadPhase(ref ReadOnlySpan<char> rest)
    {
        ReadOnlySpan<char> word = AfterSeparator(rest);
        foreach ((string spelling, char phase) in Phases)
        {
            if (word.StartsWith(spelling, StringComparison.Ordinal))
            {
                _phase = phase;
                _phaseNumber = TakeNumber(word[spelling.Length..], out rest);
                return;
            }
        }
    }

    private void ReadPost(ref ReadOnlySpan<char> rest)
    {
        ReadOnlySpan<char> word = AfterSeparator(rest);
        foreach (string spelling in PostSpellings)
        {
            if (word.StartsWith(spelling, StringComparison.Ordinal))
            {
                _post = TakeNumber(word[spelling.Length..], out rest);
                return;
            }
        }

        // The short form of a post release: 1.0-1.
        if (rest.StartsWith('-') && Digits.Count(rest[1..]) is var count and > 0)
        {
            _post = rest.Slice(1, count).ToString();
            rest = rest[(count + 1)..];
        }
    }

    private void ReadDev(ref ReadOnlySpan<char> rest)
    {
        ReadOnlySpan<char> word = AfterSeparator(rest);
        if (word.StartsWith("dev", StringComparison.Ordinal))
        {
            _dev = TakeNumber(word[3..], out rest);
        }
    }

    private static ReadOnlySpan<char> AfterSeparator(ReadOnlySpan<char> text) => text.Length > 0 && text[0] is '.' or '-' or '_' ? text[1..] : text;

    // A missing number is zero. A separator without a number belongs to what follows.
    private static string TakeNumber(ReadOnlySpan<char> text, out ReadOnlySpan<char> rest)
    {
        ReadOnlySpan<char> digits = AfterSeparator(text);
        int count = Digits.Count(digits);
        rest = count == 0 ? text : digits[count..];
        return count == 0 ? "0" : digits[..count].ToString();
    }

    private int CompareTo(PythonVersion other)
    {
        int order = Digits.Compare(_epoch, other._epoch);
        for (int i = 0; order == 0 && i < Math.Max(_release.Length, other._release.Length); i++)
        {
            order = Digits.Compare(_release.ElementAtOrDefault(i), other._release.ElementAtOrDefault(i));
        }

        order = order != 0 ? order : Rank().CompareTo(other.Rank());
        order = order != 0 ? order : Digits.Compare(_phaseNumber, other._phaseNumber);
        order = order != 0 ? order : CompareMissing(_post, other._post, missing: -1);
        order = order != 0 ? order : CompareMissing(_dev, other._dev, missing: 1);
        return Math.Sign(order != 0 ? order : CompareLocal(other));
    }

    // A development release of a version comes before its alpha releases.
    private int Rank() => _phase switch
    {
        'a' => 1,
        'b' => 2,
        'c' => 3,
        _ => _post is null && _dev is not null ? 0 : 4,
    };

    private static int CompareMissing(string? left, string? right, int missing) => (left, right) switch
    {
        (null, null) => 0,
        (null, _) => missing,
        (_, null) => -missing,
        _ => Digits.Compare(left, right),
    };

    private int CompareLocal(PythonVersion other)
    {
        if (_local is null || other._local is null)
        {
            return (_local is null ? 0 : 1) - (other._local is null ? 0 : 1);
        }

        for (int i = 0; i < Math.Min(_local.Length, other._local.Length); i++)
        {
            int order = (Digits.Are(_local[i]), Digits.Are(other._local[i])) switch
            {
                (true, true) => Digits.Compare(_local[i], other._local[i]),
                (true, false) => 1,
                (false, true) => -1,
                _ => string.CompareOrdinal(_local[i], other._local[i]),
            };
            if (order != 0)
            {
                return order;
            }
        }

        return _local.Length - other._local.Length;
    }
}
