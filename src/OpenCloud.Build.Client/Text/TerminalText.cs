using System.Buffers;
using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Client.Text;

/// <summary>
/// Removes what would control a terminal from a text: whole control sequences, then control characters except tab and line feed, then marks of
/// direction that change how text reads. For all text from an engine, a Dockerfile, another process or a registry.
/// </summary>
/// <remarks>The forms of sequences: ECMA-48, section 5.4 (control sequences) and 5.6 (control strings).</remarks>
public static class TerminalText
{
    private const char Escape = '\u001B';
    private const char Bell = '\a';
    private const char Terminator = '\u009C';

    private static readonly SearchValues<char> Suspects = SearchValues.Create(
    [
        .. Enumerable.Range(0, 0xA0).Select(static c => (char)c).Where(static c => char.IsControl(c) && c is not ('\t' or '\n')),
        '\u061C', '\u200E', '\u200F', .. "\u202A\u202B\u202C\u202D\u202E", .. "\u2066\u2067\u2068\u2069",
    ]);

    /// <summary>The text with its lines. Of a line with carriage returns the last part is kept, as a terminal would show it.</summary>
    public static string Plain(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int first = text.AsSpan().IndexOfAny(Suspects);
        return first < 0 ? text : Strip(text, first);
    }

    /// <summary>The text as one line.</summary>
    public static string Line(string text)
    {
        string plain = Plain(text);
        return plain.Contains('\n', StringComparison.Ordinal) ? plain.TrimEnd('\n').Replace('\n', ' ') : plain;
    }

    /// <summary>
    /// The text as one line that shows control characters as <c>\xNN</c> and marks of direction as <c>\uNNNN</c>. For names and ids: removing
    /// characters could make two of them equal.
    /// </summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? Name(string? text)
    {
        if (text is null || (text.AsSpan().IndexOfAny(Suspects) < 0 && text.AsSpan().IndexOfAny('\n', '\t') < 0))
        {
            return text;
        }

        StringBuilder shown = new(text.Length + 16);
        foreach (char c in text)
        {
            if (Suspects.Contains(c) || c is '\n' or '\t')
            {
                shown.Append(c < 0x100 ? "\\x" : "\\u").Append(((int)c).ToString(c < 0x100 ? "x2" : "x4", CultureInfo.InvariantCulture));
            }
            else
            {
                shown.Append(c);
            }
        }

        return shown.ToString();
    }

    /// <summary>The text with its middle left out when it is too long.</summary>
    public static string Bounded(string text, int longest)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length <= longest)
        {
            return text;
        }

        int end = text.Length - (longest / 4);
        return $"{Start(text, longest * 2 / 3)} […] {text.AsSpan(end < text.Length && char.IsLowSurrogate(text[end]) ? end + 1 : end)}";
    }

    /// <summary>Applies <see cref="Name"/> to each.</summary>
    public static IReadOnlyList<string> Names(IReadOnlyList<string> names) =>
        TextList<string>.Of(names.Any(static n => Name(n) != n) ? [.. names.Select(static n => Name(n))] : names);

    /// <summary>Applies <see cref="Name"/> to each key and <see cref="Plain(string)"/> to each value.</summary>
    public static IReadOnlyDictionary<string, string> Plain(IReadOnlyDictionary<string, string> map)
    {
        if (map.All(static pair => Name(pair.Key) == pair.Key && Plain(pair.Value) == pair.Value))
        {
            return TextMap.Of(map);
        }

        SortedDictionary<string, string> plain = new(StringComparer.Ordinal);
        foreach ((string key, string value) in map)
        {
            plain[Name(key)] = Plain(value);
        }

        return TextMap.Of(plain);
    }

    /// <summary>The same exception, or one with a plain message when its own or an inner message would control a terminal.</summary>
    public static Exception? Plain(Exception? exception)
    {
        for (Exception? at = exception; at is not null; at = at.InnerException)
        {
            if (at.Message.AsSpan().IndexOfAny(Suspects) >= 0)
            {
                return new InvalidDataException(Plain(exception!.Message));
            }
        }

        return exception;
    }

    /// <summary>The start of a text of more characters, without half of a pair of surrogates at its end.</summary>
    internal static string Start(string text, int longest) => text[..(longest > 0 && char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)];

    private static string Strip(string text, int first)
    {
        StringBuilder plain = new(text.Length);
        plain.Append(text.AsSpan(0, first));
        int lineStart = first == 0 ? 0 : text.LastIndexOf('\n', first - 1) + 1;
        bool returned = false;
        int at = first;
        while (at < text.Length)
        {
            char c = text[at];
            switch (c)
            {
                case Escape:
                    at = PastEscape(text, at);
                    continue;
                case '\u009B':
                    at = PastSequence(text, at + 1);
                    continue;
                case '\u0090' or '\u0098' or '\u009D' or '\u009E' or '\u009F':
                    at = PastString(text, at + 1, endsAtBell: c == '\u009D');
                    continue;
                case '\r':
                    returned = true;
                    at++;
                    continue;
                case '\n':
                    plain.Append(c);
                    lineStart = plain.Length;
                    returned = false;
                    at++;
                    continue;
            }

            at++;
            if (Suspects.Contains(c))
            {
                continue;
            }

            if (returned)
            {
                plain.Length = lineStart;
                returned = false;
            }

            plain.Append(c);
        }

        return plain.ToString();
    }

    private static int PastEscape(string text, int at)
    {
        at++;
        if (at == text.Length)
        {
            return at;
        }

        switch (text[at])
        {
            case '[':
                return PastSequence(text, at + 1);
            case ']' or 'P' or 'X' or '^' or '_':
                return PastString(text, at + 1, endsAtBell: text[at] == ']');
        }

        while (at < text.Length && text[at] is >= ' ' and <= '/')
        {
            at++;
        }

        return at < text.Length && text[at] is >= '0' and <= '~' ? at + 1 : at;
    }

    private static int PastSequence(string text, int at)
    {
        while (at < text.Length && text[at] is >= ' ' and <= '?')
        {
            at++;
        }

        return at < text.Length && text[at] is >= '@' and <= '~' ? at + 1 : at;
    }

    // An unterminated sequence ends with its line, so that the rest of a message is not lost.
    private static int PastString(string text, int at, bool endsAtBell)
    {
        for (; at < text.Length; at++)
        {
            switch (text[at])
            {
                case Terminator:
                    return at + 1;
                case Bell when endsAtBell:
                    return at + 1;
                case Escape when at + 1 < text.Length && text[at + 1] == '\\':
                    return at + 2;
                case Escape or '\n':
                    return at;
            }
        }

        return at;
    }
}
