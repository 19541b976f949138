namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>A list of patterns with exceptions, compiled once for a transfer.</summary>
/// <remarks>
/// The rules are those of moby/patternmatcher (patternmatcher.go, New and MatchesUsingParentResults): the
/// last pattern that matters wins, a pattern that matches a directory matches what is beneath it, and <c>!</c> reverts matches.
/// </remarks>
internal sealed class PatternMatcher
{
    // Atoms of all programs: some 50 MB. Thousands of usual rules take a hundredth of it.
    private const int MaxSize = 2 * 1024 * 1024;

    private readonly Pattern[] _patterns;

    private PatternMatcher(Pattern[] patterns)
    {
        _patterns = patterns;
        HasExceptions = Array.Exists(patterns, static pattern => pattern.IsException);
    }

    public ReadOnlySpan<Pattern> Patterns => _patterns;

    public int Count => _patterns.Length;

    public bool HasExceptions { get; }

    /// <summary>Compiles patterns. Blank ones are dropped.</summary>
    /// <exception cref="ContextException">A pattern is malformed.</exception>
    public static PatternMatcher Compile(IReadOnlyList<byte[]> patterns)
    {
        List<Pattern> compiled = new(patterns.Count);
        long size = 0;
        foreach (byte[] raw in patterns)
        {
            if (TryCompile(raw, out Pattern? pattern))
            {
                compiled.Add(pattern);
                if ((size += pattern.Size) > MaxSize)
                {
                    throw new ContextException(ContextErrorKind.BadPattern, $"The patterns together expand to more than {MaxSize} characters.");
                }
            }
        }

        return new PatternMatcher([.. compiled]);
    }

    public static bool TryCompile(ReadOnlySpan<byte> raw, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Pattern? pattern)
    {
        pattern = null;
        ReadOnlySpan<byte> trimmed = BytePath.Trim(raw);
        if (trimmed.IsEmpty)
        {
            return false;
        }

        byte[] text = BytePath.Clean(trimmed);
        bool isException = text[0] == (byte)'!';
        if (isException)
        {
            if (text.Length == 1)
            {
                throw new ContextException(ContextErrorKind.BadPattern, "The pattern \"!\" is invalid: it requires a path after the '!'.");
            }

            text = text[1..];
        }

        if (NameMatch.IsRefused(text))
        {
            throw ContextException.BadPattern(text);
        }

        pattern = new Pattern(text, isException);
        return true;
    }

    /// <summary>Whether a path found in a walk matches; <c>decisive</c> is the index of the pattern that decides, or -1.</summary>
    /// <remarks><c>result</c> is empty or has a flag for each pattern that matched; it is the <c>parent</c> of what is beneath the path.</remarks>
    public bool Matches(ReadOnlySpan<byte> path, ReadOnlySpan<bool> parent, Span<bool> result, out int decisive)
    {
        bool matched = false;
        decisive = -1;
        for (int i = 0; i < _patterns.Length; i++)
        {
            Pattern pattern = _patterns[i];
            bool match = !parent.IsEmpty && parent[i];
            if (!match && pattern.IsException == matched)
            {
                match = pattern.IsMatch(path);
            }

            if (!result.IsEmpty)
            {
                result[i] = match;
            }

            if (match)
            {
                matched = !pattern.IsException;
                decisive = i;
            }
        }

        return matched;
    }
}
