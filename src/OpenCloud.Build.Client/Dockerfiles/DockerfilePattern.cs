using System.Text;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Client.Dockerfiles;

/// <summary>The patterns of <c>${name#pattern}</c>, <c>${name%pattern}</c> and <c>${name/pattern/text}</c>: '*' and '?' only.</summary>
internal static class DockerfilePattern
{
    /// <summary>Removes a matching prefix; null when the pattern is invalid.</summary>
    public static string? TrimStart(string value, string pattern, bool longest) =>
        Read(pattern) is { } parts ? value[MatchedLength(value, parts, longest)..] : null;

    /// <summary>Removes a matching suffix; null when the pattern is invalid.</summary>
    public static string? TrimEnd(string value, string pattern, bool longest)
    {
        if (Read(pattern) is not { } parts)
        {
            return null;
        }

        // The same from the other end.
        parts.Reverse();
        char[] reversed = [.. value.Reverse()];
        return value[..^MatchedLength(reversed, parts, longest)];
    }

    /// <summary>Replaces the first match, or all; null when the pattern is invalid.</summary>
    public static string? Replace(string value, string pattern, string replacement, bool all) =>
        Compile(pattern) is { } regex ? regex.Replace(value, _ => replacement, all ? -1 : 1) : null;

    private static Regex? Compile(string pattern)
    {
        if (Read(pattern) is not { } parts)
        {
            return null;
        }

        StringBuilder regex = new();
        foreach (Part part in parts)
        {
            regex.Append(part.Kind switch
            {
                PartKind.Any => ".*",
                PartKind.One => ".",
                _ => Regex.Escape(part.Literal.ToString()),
            });
        }

        // Without backtracking: the text is untrusted.
        return new Regex(regex.ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    private static List<Part>? Read(string pattern)
    {
        List<Part> parts = [];
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c != '\\')
            {
                parts.Add(new Part(c switch { '*' => PartKind.Any, '?' => PartKind.One, _ => PartKind.Literal }, c));
                continue;
            }

            // '}' and '/' are escaped because of the braces, the others because of the pattern.
            if (++i == pattern.Length || pattern[i] is not ('}' or '/' or '*' or '?' or '\\'))
            {
                return null;
            }

            parts.Add(new Part(PartKind.Literal, pattern[i]));
        }

        return parts;
    }

    /// <summary>The length of the shortest or longest matching prefix; 0 when none matches. One pass over the value for all lengths.</summary>
    private static int MatchedLength(ReadOnlySpan<char> value, List<Part> parts, bool longest)
    {
        bool[] states = new bool[parts.Count + 1];
        bool[] next = new bool[parts.Count + 1];
        states[0] = true;
        int matched = 0;
        for (int i = 0; ; i++)
        {
            bool any = false;
            for (int state = 0; state < parts.Count; state++)
            {
                if (!states[state])
                {
                    continue;
                }

                any = true;
                PartKind kind = parts[state].Kind;
                states[state + 1] |= kind == PartKind.Any;
                if (i < value.Length && (kind == PartKind.Literal ? parts[state].Literal == value[i] : value[i] != '\n'))
                {
                    next[kind == PartKind.Any ? state : state + 1] = true;
                }
            }

            if (states[parts.Count])
            {
                matched = i;
                if (!longest)
                {
                    return matched;
                }
            }

            if (i == value.Length || !any)
            {
                return matched;
            }

            (states, next) = (next, states);
            Array.Clear(next);
        }
    }

    private enum PartKind
    {
        Literal,
        One,
        Any,
    }

    private readonly record struct Part(PartKind Kind, char Literal);
}
