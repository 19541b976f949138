using System.Globalization;

namespace OpenCloud.Build.Definitions.Hcl;

internal enum HclTokenKind
{
    End,
    Newline,
    Identifier,
    Number,

    /// <summary>The opening quote of a string.</summary>
    Quote,

    /// <summary>The opening mark of a heredoc: <c>&lt;&lt;EOT</c>, <c>&lt;&lt;-EOT</c>.</summary>
    Heredoc,
    Symbol,
}

internal readonly record struct HclToken(HclTokenKind Kind, string Text, int Start, int End)
{
    public bool Is(string symbol) => Kind == HclTokenKind.Symbol && Text == symbol;

    public bool IsWord(string word) => Kind == HclTokenKind.Identifier && Text == word;

    public string Shown => Kind switch
    {
        HclTokenKind.End => "the end of the text",
        HclTokenKind.Newline => "the end of the line",
        HclTokenKind.Quote => "a string",
        HclTokenKind.Heredoc => "a heredoc",
        _ => $"'{Text}'",
    };
}

/// <summary>Finds the tokens of a source. <see cref="HclTemplateParser"/> reads the templates in it.</summary>
internal static class HclLexer
{
    // A symbol comes before its prefixes.
    private static readonly string[] Symbols =
        ["...", "=>", "==", "!=", "<=", ">=", "&&", "||", "{", "}", "[", "]", "(", ")", ",", ".", ":", "?", "=", "!", "<", ">", "+", "-", "*", "/", "%", "~"];

    public static HclToken Next(HclSource source, int offset)
    {
        string text = source.Text;
        int start = SkipBlanks(source, offset);
        if (start >= text.Length)
        {
            return new HclToken(HclTokenKind.End, string.Empty, start, start);
        }

        char c = text[start];
        if (c == '\n')
        {
            return new HclToken(HclTokenKind.Newline, "\n", start, start + 1);
        }

        if (c == '"')
        {
            return new HclToken(HclTokenKind.Quote, "\"", start, start + 1);
        }

        if (IsIdentifierStart(text, start))
        {
            int end = IdentifierEnd(text, start);
            return new HclToken(HclTokenKind.Identifier, text[start..end], start, end);
        }

        if (char.IsAsciiDigit(c))
        {
            int end = NumberEnd(text, start);
            return new HclToken(HclTokenKind.Number, text[start..end], start, end);
        }

        if (c == '<' && Heredoc(text, start) is { } heredoc)
        {
            return heredoc;
        }

        foreach (string symbol in Symbols)
        {
            if (string.CompareOrdinal(text, start, symbol, 0, symbol.Length) == 0)
            {
                return new HclToken(HclTokenKind.Symbol, symbol, start, start + symbol.Length);
            }
        }

        throw new HclException($"the character {Show(c)} has no meaning here.", source.At(start));
    }

    public static int IdentifierEnd(string text, int start)
    {
        int end = start;
        while (end < text.Length && (IsIdentifierStart(text, end) || text[end] == '-' || IsContinued(text[end])))
        {
            end += char.IsSurrogatePair(text, end) ? 2 : 1;
        }

        return end;
    }

    public static bool IsIdentifierStart(string text, int offset) =>
        text[offset] == '_' || char.IsAsciiLetter(text[offset]) || (text[offset] > 127 && !(char.IsHighSurrogate(text[offset]) && offset + 1 == text.Length) && char.IsLetter(text, offset));

    private static bool IsContinued(char c) => char.IsAsciiDigit(c) || (c > 127 && CharUnicodeInfo.GetUnicodeCategory(c)
        is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation);

    private static string Show(char c) => char.IsControl(c) || char.IsSurrogate(c) ? $"U+{(int)c:X4}" : $"'{c}'";

    private static int SkipBlanks(HclSource source, int offset)
    {
        string text = source.Text;
        while (offset < text.Length)
        {
            char c = text[offset];
            if (c is ' ' or '\t' or '\r' || (c == '\uFEFF' && offset == 0))
            {
                offset++;
            }
            else if (c == '#' || (c == '/' && Follows(text, offset, '/')))
            {
                // The newline after the comment is a token.
                offset = text.IndexOf('\n', offset) is >= 0 and int end ? end : text.Length;
            }
            else if (c == '/' && Follows(text, offset, '*'))
            {
                int end = text.IndexOf("*/", offset + 2, StringComparison.Ordinal);
                offset = end >= 0 ? end + 2 : throw new HclException("a comment that starts with '/*' is not closed.", source.At(offset));
            }
            else
            {
                break;
            }
        }

        return offset;
    }

    private static bool Follows(string text, int offset, char c) => offset + 1 < text.Length && text[offset + 1] == c;

    private static int NumberEnd(string text, int start)
    {
        int end = Digits(text, start);
        if (end + 1 < text.Length && text[end] == '.' && char.IsAsciiDigit(text[end + 1]))
        {
            end = Digits(text, end + 1);
        }

        if (end < text.Length && text[end] is 'e' or 'E')
        {
            int sign = end + 1 < text.Length && text[end + 1] is '+' or '-' ? end + 2 : end + 1;
            int after = Digits(text, sign);
            end = after > sign ? after : end;
        }

        return end;

        static int Digits(string text, int offset)
        {
            while (offset < text.Length && char.IsAsciiDigit(text[offset]))
            {
                offset++;
            }

            return offset;
        }
    }

    private static HclToken? Heredoc(string text, int start)
    {
        int name = start + 2;
        if (!Follows(text, start, '<') || name >= text.Length)
        {
            return null;
        }

        name += text[name] == '-' ? 1 : 0;
        if (name >= text.Length || !IsIdentifierStart(text, name))
        {
            return null;
        }

        int end = IdentifierEnd(text, name);
        int line = end < text.Length && text[end] == '\r' ? end + 1 : end;
        return line < text.Length && text[line] == '\n' ? new HclToken(HclTokenKind.Heredoc, text[start..end], start, line + 1) : null;
    }
}
