using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>How a pattern is compared with a path.</summary>
internal enum PatternKind
{
    /// <summary>Byte for byte.</summary>
    Exact,

    /// <summary>The text without its trailing <c>**</c> begins the path.</summary>
    Prefix,

    /// <summary>The text without its leading <c>**</c> ends the path.</summary>
    Suffix,

    Program,
}

/// <summary>Turns the text of a pattern into the regular expression that defines its meaning.</summary>
/// <remarks>
/// moby/patternmatcher defines a pattern by rewriting it as a Go regular expression (patternmatcher.go, Pattern.compile). The
/// rewriting is textual, so it reaches into character classes too: <c>[a*]</c> is the class <c>[a[^/]</c>, starred, and a
/// bracket. Ignore files in the field rely on what the daemon does, so the same text is made here and then compiled by
/// <see cref="PatternParser"/>.
/// </remarks>
internal static class PatternTranslation
{
    private const int ByteOrderMark = 0xFEFF;

    public static PatternKind Translate(ReadOnlySpan<byte> pattern, out int[] expression)
    {
        List<int> runes = Decode(pattern);
        List<int> output = new(runes.Count + 16) { '^' };
        PatternKind kind = PatternKind.Exact;
        for (int at = 0, step = 0; at < runes.Count; step++)
        {
            int rune = runes[at++];
            switch (rune)
            {
                case '*' when at < runes.Count && runes[at] == '*':
                    at++;
                    if (at < runes.Count && runes[at] == '/')
                    {
                        at++;
                    }

                    if (at < runes.Count)
                    {
                        Append(output, "(.*/)?");
                        kind = PatternKind.Program;
                    }
                    else if (kind == PatternKind.Exact)
                    {
                        kind = PatternKind.Prefix;
                    }
                    else
                    {
                        Append(output, ".*");
                        kind = PatternKind.Program;
                    }

                    if (step == 0)
                    {
                        kind = PatternKind.Suffix;
                    }

                    break;
                case '*':
                    Append(output, "[^/]*");
                    kind = PatternKind.Program;
                    break;
                case '?':
                    Append(output, "[^/]");
                    kind = PatternKind.Program;
                    break;
                case '.' or '+' or '(' or ')' or '$':
                    // Not '{', '|' and '}': the table of moby's shouldEscape has no room for them, so they keep their meaning.
                    output.Add('\\');
                    output.Add(rune);
                    break;
                case '\\':
                    output.Add('\\');
                    if (at < runes.Count)
                    {
                        output.Add(runes[at++]);
                        kind = PatternKind.Program;
                    }

                    break;
                case '[' or ']':
                    output.Add(rune);
                    kind = PatternKind.Program;
                    break;
                default:
                    output.Add(rune);
                    break;
            }
        }

        output.Add('$');
        expression = kind == PatternKind.Program ? [.. output] : [];
        return kind;
    }

    private static List<int> Decode(ReadOnlySpan<byte> pattern)
    {
        List<int> runes = new(pattern.Length);
        while (!pattern.IsEmpty)
        {
            int rune = Utf8.Decode(pattern, out int width);
            pattern = pattern[width..];
            if (rune != ByteOrderMark || runes.Count > 0)
            {
                runes.Add(rune);
            }
        }

        return runes;
    }

    private static void Append(List<int> output, string text)
    {
        foreach (char c in text)
        {
            output.Add(c);
        }
    }
}
