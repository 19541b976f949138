using System.Text;

namespace OpenCloud.Build.Definitions.Compose;

/// <summary>
/// Substitutes variables: <c>$NAME</c>, <c>${NAME}</c>, <c>${NAME:-default}</c>, <c>${NAME:?message}</c> and <c>${NAME:+value}</c>;
/// <c>$$</c> is a dollar sign.
/// </summary>
internal sealed class ComposeTemplate(Func<string, string?> lookup, Action<string>? onUnset)
{
    private const int MostDepth = 50;
    private const long MostCharacters = 16 << 20;

    private long _made;

    /// <exception cref="FormatException">A required variable is not set, or the syntax is invalid.</exception>
    public string Substitute(string text) => Substitute(text, 0);

    private static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c == '_';

    private static int NameEnd(string text, int start)
    {
        int end = start;
        while (end < text.Length && (IsNameStart(text[end]) || char.IsAsciiDigit(text[end])))
        {
            end++;
        }

        return end;
    }

    private string Substitute(string text, int depth)
    {
        if (!text.Contains('$', StringComparison.Ordinal))
        {
            return text;
        }

        if (depth > MostDepth)
        {
            throw new FormatException("defaults are nested too deeply.");
        }

        StringBuilder made = new();
        for (int i = 0; i < text.Length;)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                made.Append(text[i++]);
                continue;
            }

            char next = text[i + 1];
            if (next == '$')
            {
                made.Append('$');
                i += 2;
            }
            else if (IsNameStart(next))
            {
                int end = NameEnd(text, i + 1);
                made.Append(Value(text[(i + 1)..end]));
                i = end;
            }
            else if (next == '{')
            {
                int end = Closing(text, i + 1);
                made.Append(Braced(text[(i + 2)..end], depth));
                i = end + 1;
            }
            else
            {
                made.Append(text[i++]);
            }
        }

        _made += made.Length;
        return _made <= MostCharacters ? made.ToString() : throw new FormatException("the values of variables are too long.");
    }

    private string Value(string name)
    {
        if (lookup(name) is { } value)
        {
            return value;
        }

        onUnset?.Invoke(name);
        return string.Empty;
    }

    private string Braced(string inner, int depth)
    {
        int end = inner.Length > 0 && IsNameStart(inner[0]) ? NameEnd(inner, 0) : 0;
        string name = inner[..end];
        string rest = inner[end..];
        if (name.Length == 0)
        {
            throw new FormatException($"'${{{inner}}}' does not name a variable; write '$$' for a dollar sign.");
        }

        if (rest.Length == 0)
        {
            return Value(name);
        }

        bool isEmptyUnset = rest[0] == ':';
        string sign = isEmptyUnset && rest.Length > 1 ? rest[1..2] : rest[..1];
        string argument = rest[(isEmptyUnset ? 2 : 1)..];
        string? value = lookup(name);
        bool isSet = value is not null && !(isEmptyUnset && value.Length == 0);
        return sign switch
        {
            "-" => isSet ? value! : Substitute(argument, depth + 1),
            "+" => isSet ? Substitute(argument, depth + 1) : value ?? string.Empty,
            "?" => isSet ? value! : throw new FormatException($"the variable '{name}' is required and {(value is null ? "not set" : "empty")}{(argument.Length == 0 ? "." : ": " + Substitute(argument, depth + 1))}"),
            _ => throw new FormatException($"'${{{inner}}}' is not a valid use of a variable; use ':-', '-', ':?', '?', ':+' or '+' after the name."),
        };
    }

    private static int Closing(string text, int open)
    {
        int braces = 0;
        for (int i = open; i < text.Length; i++)
        {
            braces += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
            if (braces == 0)
            {
                return i;
            }
        }

        throw new FormatException("the brace of a variable is not closed; write '$$' for a dollar sign.");
    }
}
