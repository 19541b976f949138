using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>Reads templates: quoted strings, heredocs, and whole sources.</summary>
/// <remarks>
/// As in hashicorp/hcl, a literal ends with its line. <c>~</c> trims only the literal next to it, and
/// <c>&lt;&lt;-</c> removes indentation after that.
/// </remarks>
internal sealed class HclTemplateParser(HclCursor cursor, HclExpressionParser expressions)
{
    private string Text => cursor.Source.Text;

    /// <summary>Reads up to the closing quote. The opening quote is already taken.</summary>
    public HclExpression Quoted(HclToken quote)
    {
        List<HclTemplatePart> parts = [];
        int offset = quote.End;
        StringBuilder literal = new();
        int start = offset;
        while (true)
        {
            char c = offset < Text.Length ? Text[offset] : '\n';
            if (c == '\n')
            {
                throw new HclException("the string is not closed in its line.", cursor.At(quote));
            }

            if (c == '"')
            {
                End();
                cursor.MoveTo(offset + 1);
                return Make(parts, cursor.At(quote));
            }

            if (c == '\\')
            {
                offset = Escape(offset, literal);
            }
            else if (!TryMark(ref offset, literal, parts, ref start))
            {
                literal.Append(c);
                offset++;
            }
        }

        void End()
        {
            if (literal.Length > 0)
            {
                parts.Add(HclTemplatePart.Literal(literal.ToString(), cursor.At(start)));
            }
        }
    }

    /// <summary>Reads up to the line with only the mark. The line that opens the heredoc is already taken.</summary>
    public HclExpression Heredoc(HclToken mark)
    {
        bool isFlush = mark.Text[2] == '-';
        string name = mark.Text[(isFlush ? 3 : 2)..];
        List<HclTemplatePart> parts = [];
        int offset = mark.End;
        StringBuilder literal = new();
        int start = offset;
        bool isLineStart = true;
        while (true)
        {
            if (isLineStart && EndsAt(offset, name) is { } end)
            {
                cursor.MoveTo(end);
                break;
            }

            if (offset >= Text.Length)
            {
                throw new HclException($"the heredoc is not closed: a line with only '{name}' is missing.", cursor.At(mark));
            }

            isLineStart = false;
            if (TryMark(ref offset, literal, parts, ref start))
            {
                continue;
            }

            char c = Text[offset++];
            literal.Append(c);
            if (c == '\n')
            {
                isLineStart = true;
                parts.Add(HclTemplatePart.Literal(literal.ToString(), cursor.At(start)));
                literal.Clear();
                start = offset;
            }
        }

        return Make(parts, cursor.At(mark), isFlush);
    }

    /// <summary>Reads the whole source as a template, without string escapes.</summary>
    public HclExpression Whole()
    {
        List<HclTemplatePart> parts = [];
        StringBuilder literal = new();
        int offset = 0;
        int start = 0;
        while (offset < Text.Length)
        {
            if (TryMark(ref offset, literal, parts, ref start))
            {
                continue;
            }

            char c = Text[offset++];
            literal.Append(c);
            if (c == '\n')
            {
                parts.Add(HclTemplatePart.Literal(literal.ToString(), cursor.At(start)));
                literal.Clear();
                start = offset;
            }
        }

        if (literal.Length > 0)
        {
            parts.Add(HclTemplatePart.Literal(literal.ToString(), cursor.At(start)));
        }

        return Make(parts, cursor.At(0));
    }

    // The end of the line before its newline, when the line is only the mark; null otherwise.
    private int? EndsAt(int offset, string name)
    {
        int end = Text.IndexOf('\n', offset);
        end = end < 0 ? Text.Length : end;
        return Text.AsSpan(offset, end - offset).Trim().SequenceEqual(name) ? end : null;
    }

    /// <summary>Reads <c>${…}</c> or <c>%{…}</c>. A doubled mark, such as <c>$${</c>, is literal text.</summary>
    private bool TryMark(ref int offset, StringBuilder literal, List<HclTemplatePart> parts, ref int start)
    {
        char c = Text[offset];
        if (c is not ('$' or '%') || offset + 1 >= Text.Length)
        {
            return false;
        }

        if (Text[offset + 1] == c && offset + 2 < Text.Length && Text[offset + 2] == '{')
        {
            literal.Append(c).Append('{');
            offset += 3;
            return true;
        }

        if (Text[offset + 1] != '{')
        {
            return false;
        }

        if (literal.Length > 0)
        {
            parts.Add(HclTemplatePart.Literal(literal.ToString(), cursor.At(start)));
            literal.Clear();
        }

        HclPosition position = cursor.At(offset);
        bool trimsBefore = offset + 2 < Text.Length && Text[offset + 2] == '~';
        cursor.MoveTo(offset + (trimsBefore ? 3 : 2));
        cursor.Push(newlines: false);
        HclTemplatePart part = c == '$' ? HclTemplatePart.Interpolation(expressions.Expression(), position) : Directive(position);
        cursor.Pop();
        offset = Close(position, out bool trimsAfter);
        start = offset;
        parts.Add(part with { TrimsBefore = trimsBefore, TrimsAfter = trimsAfter });
        return true;
    }

    // '~' is no operator: only interpolations and directives have it.
    private int Close(HclPosition position, out bool trimsAfter)
    {
        int offset = cursor.Offset;
        while (offset < Text.Length && char.IsWhiteSpace(Text[offset]))
        {
            offset++;
        }

        trimsAfter = offset < Text.Length && Text[offset] == '~';
        offset += trimsAfter ? 1 : 0;
        return offset < Text.Length && Text[offset] == '}'
            ? offset + 1
            : throw new HclException("an interpolation or directive is not closed, or contains more than one expression.", position);
    }

    private HclTemplatePart Directive(HclPosition position)
    {
        HclToken word = cursor.Take();
        return word.Kind != HclTokenKind.Identifier ? throw Unknown(word) : word.Text switch
        {
            "if" => new HclTemplatePart(HclTemplatePartKind.If, position) { Expression = expressions.Expression() },
            "else" => new HclTemplatePart(HclTemplatePartKind.Else, position),
            "endif" => new HclTemplatePart(HclTemplatePartKind.EndIf, position),
            "for" => For(position),
            "endfor" => new HclTemplatePart(HclTemplatePartKind.EndFor, position),
            _ => throw Unknown(word),
        };

        HclException Unknown(HclToken token) => new($"if, else, endif, for or endfor is expected, but found {token.Shown}.", cursor.At(token));
    }

    private HclTemplatePart For(HclPosition position)
    {
        (string? key, string value) = expressions.ForNames();
        return new HclTemplatePart(HclTemplatePartKind.For, position) { Key = key, Text = value, Expression = expressions.Expression() };
    }

    private int Escape(int offset, StringBuilder literal)
    {
        char c = offset + 1 < Text.Length ? Text[offset + 1] : '\n';
        switch (c)
        {
            case 'n':
                literal.Append('\n');
                return offset + 2;
            case 'r':
                literal.Append('\r');
                return offset + 2;
            case 't':
                literal.Append('\t');
                return offset + 2;
            case '"' or '\\':
                literal.Append(c);
                return offset + 2;
            case 'u' or 'U':
                int digits = c == 'u' ? 4 : 8;
                if (offset + 2 + digits <= Text.Length
                    && int.TryParse(Text.AsSpan(offset + 2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
                    && Rune.IsValid(code))
                {
                    literal.Append(new Rune(code).ToString());
                    return offset + 2 + digits;
                }

                throw new HclException($"'\\{c}' must be followed by {digits} hexadecimal digits.", cursor.At(offset));
            default:
                throw new HclException("a backslash in a string must be followed by n, r, t, a quote, a backslash, u or U.", cursor.At(offset));
        }
    }

    private static HclTemplateExpression Make(List<HclTemplatePart> parts, HclPosition position, bool isFlush = false)
    {
        HclTemplatePart.Trim(parts);
        if (isFlush)
        {
            HclTemplatePart.Flush(parts);
        }

        return new HclTemplateExpression(HclTemplatePart.Nest(parts), position);
    }
}
