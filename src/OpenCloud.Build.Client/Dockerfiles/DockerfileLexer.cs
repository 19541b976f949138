using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace OpenCloud.Build.Client.Dockerfiles;

/// <summary>
/// The shell-like language inside Dockerfile words: quotes, escapes and <c>$name</c>, <c>${name}</c> with the modifiers
/// <c>- :- + :+ ? :? # ## % %% / //</c>.
/// </summary>
/// <remarks>Facts: moby/buildkit, frontend/dockerfile/shell/lex.go.</remarks>
internal sealed class DockerfileLexer(char escape)
{
    // A Dockerfile line may expand to any length: each variable may contain the one before ten times.
    private const int MostExpanded = 256 * 1024;
    private const int MostNested = 100;

    // The current word, when words are requested. Shared with nested ${…}: the engine resets it there, so that the earlier part of the same
    // word is lost.
    private readonly StringBuilder _word = new();
    private readonly List<string> _words = [];
    private string _text = "";
    private int _at;
    private bool _keepsEscapes;
    private int _expanded;
    private int _depth;

    public bool KeepsQuotes { get; init; }

    public bool KeepsEscapes { get; init; }

    /// <summary>Returns the values of variables; when null, variables stay as written.</summary>
    public Func<string, string?>? Lookup { get; init; }

    /// <returns>False when quotes or braces do not match, a modifier is unknown or reports an error, or the result is too long.</returns>
    public bool TryExpand(string text, [NotNullWhen(true)] out string? expanded)
    {
        Begin(text);
        expanded = Run('\0');
        return expanded is not null;
    }

    /// <summary>Splits a text into words at unquoted blanks.</summary>
    /// <returns>False when quotes or braces do not match, or a modifier is unknown.</returns>
    public bool TrySplit(string text, [NotNullWhen(true)] out List<string>? words)
    {
        Begin(text);
        bool isRead = Run('\0') is not null;
        EndWord();
        words = isRead ? _words : null;
        return isRead;
    }

    private void Begin(string text)
    {
        _text = text;
        _at = 0;
        _expanded = 0;
        _depth = 0;
        _keepsEscapes = KeepsEscapes;
        _word.Clear();
        _words.Clear();
    }

    private bool HasMore => _at < _text.Length;

    /// <summary>Reads up to and including <paramref name="end"/>; '\0' means the end of the text. Null when the text is invalid.</summary>
    private string? Run(char end)
    {
        StringBuilder result = new();
        while (HasMore)
        {
            char c = _text[_at];
            if (end != '\0' && c == end)
            {
                _at++;
                return result.ToString();
            }

            switch (c)
            {
                case '\'' or '"':
                    if (ReadQuoted(c) is not { } quoted)
                    {
                        return null;
                    }

                    result.Append(quoted);
                    _word.Append(quoted);
                    break;
                case '$':
                    if (ReadVariable() is not { } value)
                    {
                        return null;
                    }

                    result.Append(value);
                    foreach (char part in value)
                    {
                        AddToWord(part);
                    }

                    break;
                case '<':
                    string mark = ReadHereDocumentMark();
                    result.Append(mark);
                    _word.Append(mark);
                    break;
                default:
                    ReadPlain(result);
                    break;
            }
        }

        return end == '\0' ? result.ToString() : null;
    }

    private void ReadPlain(StringBuilder result)
    {
        char c = _text[_at++];
        if (c != escape)
        {
            AddToWord(c);
            result.Append(c);
            return;
        }

        if (_keepsEscapes)
        {
            _word.Append(c);
            result.Append(c);
        }

        if (HasMore)
        {
            c = _text[_at++];
            _word.Append(c);
            result.Append(c);
        }
    }

    private void AddToWord(char c)
    {
        if (char.IsWhiteSpace(c))
        {
            EndWord();
        }
        else
        {
            _word.Append(c);
        }
    }

    private void EndWord()
    {
        if (_word.Length > 0)
        {
            _words.Add(_word.ToString());
            _word.Clear();
        }
    }

    private string? ReadQuoted(char quote)
    {
        StringBuilder result = new();
        _at++;
        if (KeepsQuotes)
        {
            result.Append(quote);
        }

        while (HasMore)
        {
            char c = _text[_at];
            if (c == quote)
            {
                _at++;
                return KeepsQuotes ? result.Append(quote).ToString() : result.ToString();
            }

            if (quote == '"' && c == '$')
            {
                if (ReadVariable() is not { } value)
                {
                    return null;
                }

                result.Append(value);
                continue;
            }

            _at++;
            if (quote == '"' && c == escape)
            {
                if (_keepsEscapes)
                {
                    result.Append(c);
                }

                if (!HasMore)
                {
                    continue;
                }

                // Only these characters can be escaped here; before others the escape character is literal.
                if (_text[_at] is '"' or '$' || _text[_at] == escape)
                {
                    c = _text[_at++];
                }
            }

            result.Append(c);
        }

        return null;
    }

    /// <summary>Reads <c>&lt;&lt;</c> and the name after it as one word, even across blanks.</summary>
    private string ReadHereDocumentMark()
    {
        int start = _at++;
        if (HasMore && _text[_at] == '<')
        {
            _at++;
            while (HasMore && _text[_at] is '\t' or '\r' or ' ')
            {
                _at++;
            }
        }

        return _text[start.._at];
    }

    private string? ReadVariable()
    {
        string? value = ReadReference();
        _expanded += Lookup is null ? 0 : value?.Length ?? 0;
        return _expanded > MostExpanded ? null : value;
    }

    private string? ReadReference()
    {
        _at++;
        if (!HasMore || _text[_at] != '{')
        {
            string plain = ReadName();
            return plain.Length == 0 ? "$" : Lookup is null ? "$" + plain : Lookup(plain) ?? "";
        }

        _at++;
        if (!HasMore || _text[_at] is '{' or '}' or ':')
        {
            return null;
        }

        string name = ReadName();
        if (!HasMore)
        {
            return null;
        }

        char modifier = _text[_at++];
        if (modifier == '}')
        {
            return Lookup is null ? $"${{{name}}}" : Lookup(name) ?? "";
        }

        bool emptyIsUnset = modifier == ':';
        if (emptyIsUnset)
        {
            if (!HasMore || (modifier = _text[_at++]) is not ('-' or '+' or '?'))
            {
                return null;
            }
        }

        return modifier switch
        {
            '-' or '+' or '?' => ReadAlternative(name, modifier, emptyIsUnset),
            '#' or '%' => ReadTrim(name, modifier),
            '/' => ReadReplace(name),
            _ => null,
        };
    }

    private string? ReadAlternative(string name, char modifier, bool emptyIsUnset)
    {
        if (Nested('}', _keepsEscapes && Lookup is null) is not { } word)
        {
            return null;
        }

        if (Lookup is null)
        {
            return $"${{{name}{(emptyIsUnset ? ":" : "")}{modifier}{word}}}";
        }

        string? value = Lookup(name);
        bool isUnset = value is null || (emptyIsUnset && value.Length == 0);
        return modifier switch
        {
            '-' => isUnset ? word : value,
            '+' => isUnset ? "" : word,
            _ => isUnset ? null : value,
        };
    }

    private string? ReadTrim(string name, char modifier)
    {
        if (Nested('}', keepsEscapes: true) is not { } word)
        {
            return null;
        }

        if (Lookup is null)
        {
            return $"${{{name}{modifier}{word}}}";
        }

        string value = Lookup(name) ?? "";
        if ((_expanded += value.Length) > MostExpanded)
        {
            return null;
        }

        bool longest = word.StartsWith(modifier);
        string pattern = longest ? word[1..] : word;
        return modifier == '#' ? DockerfilePattern.TrimStart(value, pattern, longest) : DockerfilePattern.TrimEnd(value, pattern, longest);
    }

    private string? ReadReplace(string name)
    {
        bool all = HasMore && _text[_at] == '/';
        if (all)
        {
            _at++;
        }

        if (Nested('/', keepsEscapes: true) is not { } pattern || Nested('}', keepsEscapes: true) is not { } replacement)
        {
            return null;
        }

        return Lookup is null ? $"${{{name}/{pattern}/{replacement}}}" : DockerfilePattern.Replace(Lookup(name) ?? "", pattern, replacement, all);
    }

    private string? Nested(char end, bool keepsEscapes)
    {
        if (_depth == MostNested)
        {
            return null;
        }

        _depth++;
        bool before = _keepsEscapes;
        _keepsEscapes = keepsEscapes;
        _word.Clear();
        string? result = Run(end);
        _word.Clear();
        _keepsEscapes = before;
        _depth--;
        return result;
    }

    private string ReadName()
    {
        int start = _at;
        if (!HasMore)
        {
            return "";
        }

        if (char.IsDigit(_text[_at]))
        {
            while (HasMore && char.IsDigit(_text[_at]))
            {
                _at++;
            }
        }
        else if (_text[_at] is '@' or '*' or '#' or '?' or '-' or '$' or '!')
        {
            _at++;
        }
        else
        {
            while (HasMore && (char.IsLetterOrDigit(_text[_at]) || _text[_at] == '_'))
            {
                _at++;
            }
        }

        return _text[start.._at];
    }
}
