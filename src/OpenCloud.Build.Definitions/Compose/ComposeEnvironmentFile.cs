using System.Globalization;
using System.Text;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Compose;

/// <summary>Parses environment files such as <c>.env</c>: lines of <c>NAME=value</c>, with comments, quotes, and variables in values.</summary>
internal sealed class ComposeEnvironmentFile
{
    private readonly string _file;
    private readonly string _text;
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly Func<string, string?> _lookup;
    private int _offset;

    private ComposeEnvironmentFile(string file, string text, Func<string, string?> lookup)
    {
        _file = file;
        _text = text.Replace("\r\n", "\n", StringComparison.Ordinal).TrimStart('\uFEFF');
        _lookup = lookup;
    }

    /// <summary>The variables of a file. Within values, <paramref name="lookup"/> wins over the file's own variables.</summary>
    public static Dictionary<string, string> Parse(string file, string text, Func<string, string?> lookup)
    {
        ComposeEnvironmentFile parser = new(file, text, lookup);
        parser.Read();
        return parser._values;
    }

    private int Line => _text.AsSpan(0, Math.Min(_offset, _text.Length)).Count('\n') + 1;

    private void Read()
    {
        while (true)
        {
            while (_offset < _text.Length && char.IsWhiteSpace(_text[_offset]))
            {
                _offset++;
            }

            if (_offset >= _text.Length)
            {
                return;
            }

            if (_text[_offset] == '#')
            {
                _offset = LineEnd();
                continue;
            }

            ReadOne();
        }
    }

    private int LineEnd() => _text.IndexOf('\n', _offset) is >= 0 and int end ? end : _text.Length;

    private void ReadOne()
    {
        int end = LineEnd();
        string line = _text[_offset..end];
        if (line.StartsWith("export", StringComparison.Ordinal) && line.Length > 6 && char.IsWhiteSpace(line[6]))
        {
            int skipped = 6 + line[6..].Length - line[6..].TrimStart().Length;
            _offset += skipped;
            line = line[skipped..];
        }

        int sign = line.AsSpan().IndexOfAny('=', ':');
        string name = (sign < 0 ? line : line[..sign]).TrimEnd();
        if (name.Length == 0 || !name.All(static c => char.IsLetterOrDigit(c) || c is '_' or '.' or '-' or '[' or ']'))
        {
            throw new DefinitionException($"'{name}' is not a valid variable name.", _file, Line);
        }

        if (sign < 0)
        {
            // A name without a value takes the value of the environment.
            if (_lookup(name) is { } inherited)
            {
                _values[name] = inherited;
            }

            _offset = end;
            return;
        }

        _offset += sign + 1;
        while (_offset < _text.Length && _text[_offset] is ' ' or '\t')
        {
            _offset++;
        }

        _values[name] = _offset < _text.Length && _text[_offset] is '"' or '\'' ? Quoted() : Plain();
    }

    private string Plain()
    {
        int end = LineEnd();
        string value = _text[_offset..end];
        int comment = value.IndexOf(" #", StringComparison.Ordinal);
        string expanded = Expand((comment < 0 ? value : value[..comment]).TrimEnd());
        _offset = end;
        return expanded;
    }

    private string Quoted()
    {
        char quote = _text[_offset];
        int line = Line;
        StringBuilder value = new();
        for (int i = _offset + 1; i < _text.Length; i++)
        {
            char c = _text[i];
            if (c == quote)
            {
                _offset = i + 1;
                return quote == '"' ? Expand(Unescape(value.ToString())) : value.ToString();
            }

            if (c == '\\' && i + 1 < _text.Length)
            {
                i++;
                _ = _text[i] == quote ? value.Append(quote) : value.Append('\\').Append(_text[i]);
            }
            else
            {
                value.Append(c);
            }
        }

        throw new DefinitionException("a quoted value is not closed.", _file, line);
    }

    private static string Unescape(string text)
    {
        StringBuilder made = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                made.Append(text[i]);
                continue;
            }

            i++;
            _ = text[i] switch
            {
                'n' => made.Append('\n'),
                'r' => made.Append('\r'),
                't' => made.Append('\t'),
                'a' => made.Append('\a'),
                'b' => made.Append('\b'),
                'f' => made.Append('\f'),
                'v' => made.Append('\v'),
                '$' => made.Append("$$"),
                '"' or '\\' => made.Append(text[i]),
                '0' when i + 3 < text.Length && text.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0 => made.Append(Octal(text, ref i)),
                _ => made.Append('\\').Append(text[i]),
            };
        }

        return made.ToString();
    }

    private static char Octal(string text, ref int i)
    {
        int code = 0;
        for (int digit = 1; digit <= 3; digit++)
        {
            code = (code * 8) + int.Parse(text.AsSpan(i + digit, 1), CultureInfo.InvariantCulture);
        }

        i += 3;
        return (char)code;
    }

    private string Expand(string value)
    {
        try
        {
            return new ComposeTemplate(n => _lookup(n) ?? _values.GetValueOrDefault(n), null).Substitute(value);
        }
        catch (FormatException exception)
        {
            throw new DefinitionException(exception.Message, _file, Line, exception);
        }
    }
}
