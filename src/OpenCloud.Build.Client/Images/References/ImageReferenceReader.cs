using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace OpenCloud.Build.Client.Images.References;

/// <summary>Reads one text as an <see cref="ImageReference"/>; positions in its errors refer to the text as given.</summary>
internal ref struct ImageReferenceReader(string text)
{
    private const string Localhost = "localhost";
    private const string LegacyDomain = "index.docker.io";

    private static readonly SearchValues<char> LowerAlphanumeric = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789");
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");
    private static readonly SearchValues<char> Ipv6 = SearchValues.Create("0123456789abcdefABCDEF:");

    private readonly string _text = text;
    private ImageReferenceError? _error;

    public bool TryRead([NotNullWhen(true)] out ImageReference? reference, [NotNullWhen(false)] out ImageReferenceError? error)
    {
        reference = Read();
        error = reference is null ? _error ?? new ImageReferenceError(0, "it does not match the grammar of image references") : null;
        return reference is not null;
    }

    private ImageReference? Read()
    {
        if (_text.Length == 0)
        {
            return Fail(0, "it is empty");
        }

        if (_text.Length == 64 && !_text.AsSpan().ContainsAnyExcept(LowerHex))
        {
            return Fail(0, "64 hexadecimal digits are an image id, not a name");
        }

        if (_text[0] == '/')
        {
            return Fail(0, "it starts with '/'");
        }

        if (_text.IndexOf("://", StringComparison.Ordinal) is > 0 and int scheme)
        {
            return Fail(scheme, "it is a URL; remove the scheme");
        }

        (string domain, int pathStart) = SplitDomain();
        if (!CheckDomain(domain, out bool isDomain))
        {
            return null;
        }

        // What looks like a registry but is not a valid one is part of the path, if that is valid.
        int start = isDomain ? pathStart : 0;
        int pathEnd = _text.AsSpan(start).IndexOfAny(':', '@') is >= 0 and int at ? start + at : _text.Length;
        if (!CheckPath(start, pathEnd))
        {
            return null;
        }

        string path = _text[start..pathEnd];
        if (domain == ImageReference.DefaultDomain && isDomain && !path.Contains('/', StringComparison.Ordinal))
        {
            path = ImageReference.OfficialPrefix + path;
        }

        if (path.Length > ImageReference.MaxPathLength)
        {
            return Fail(start, string.Create(
                CultureInfo.InvariantCulture, $"the path has {path.Length} characters; the limit is {ImageReference.MaxPathLength}"));
        }

        int next = pathEnd;
        string? tag = null;
        if (next < _text.Length && _text[next] == ':')
        {
            int tagEnd = _text.IndexOf('@', next) is >= 0 and int digestAt ? digestAt : _text.Length;
            if (!CheckTag(next + 1, tagEnd))
            {
                return null;
            }

            tag = _text[(next + 1)..tagEnd];
            next = tagEnd;
        }

        string? digest = null;
        if (next < _text.Length)
        {
            if (!CheckDigest(next + 1))
            {
                return null;
            }

            digest = _text[(next + 1)..];
        }

        return new ImageReference(isDomain ? domain : "", path, tag, digest);
    }

    /// <summary>Finds the registry (completed) and the beginning of the path; it does not check that the registry is well formed.</summary>
    private readonly (string Domain, int PathStart) SplitDomain()
    {
        int slash = _text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            return (ImageReference.DefaultDomain, 0);
        }

        string first = _text[..slash];
        if (first == LegacyDomain)
        {
            return (ImageReference.DefaultDomain, slash + 1);
        }

        // Upper case is invalid in a path, so it must belong to a registry.
        bool isDomain = first == Localhost || first.AsSpan().IndexOfAny('.', ':') >= 0 || first.AsSpan().ContainsAnyInRange('A', 'Z');
        return isDomain ? (first, slash + 1) : (ImageReference.DefaultDomain, 0);
    }

    private bool CheckDomain(string domain, out bool isDomain)
    {
        isDomain = true;
        ReadOnlySpan<char> host = domain;
        ReadOnlySpan<char> port = default;
        if (host[0] == '[')
        {
            int close = host.IndexOf(']');
            if (close < 2 || host[1..close].ContainsAnyExcept(Ipv6))
            {
                return FailCheck(0, "the address in brackets is not an IPv6 address (a zone is not allowed)");
            }

            port = host[(close + 1)..];
            host = default;
        }
        else if (host.IndexOf(':') is >= 0 and int colon)
        {
            port = host[colon..];
            host = host[..colon];
            if (host.Length == 0)
            {
                return FailCheck(0, "the registry name before ':' is missing");
            }
        }

        bool isAddress = host.IsEmpty;
        if (port.Length > 0 && (port[0] != ':' || port.Length == 1 || port[1..].ContainsAnyExceptInRange('0', '9')))
        {
            return FailCheck(domain.Length - port.Length, $"invalid port '{port}'; the text before the first '/' is the registry");
        }

        if (isAddress)
        {
            return true;
        }

        int position = 0;
        foreach (Range range in host.Split('.'))
        {
            ReadOnlySpan<char> label = host[range];
            int bad = IndexOfNonDomain(label);
            if (label.Length > 0 && bad < 0 && label[0] != '-' && label[^1] != '-')
            {
                position += label.Length + 1;
                continue;
            }

            // The grammar then tries the whole as a path, which has no upper case and no port.
            isDomain = false;
            if (port.Length == 0 && !host.ContainsAnyInRange('A', 'Z'))
            {
                return true;
            }

            return label.Length == 0
                ? FailCheck(Math.Min(position, domain.Length - 1), $"the registry '{domain}' has an empty label")
                : bad >= 0
                    ? FailCheck(position + bad, $"{Describe(label[bad])} is not allowed in a registry name")
                    : FailCheck(position, $"the label '{label}' of the registry starts or ends with '-'");
        }

        return true;
    }

    private bool CheckPath(int start, int end)
    {
        if (start == end)
        {
            return FailCheck(start, "the name is missing");
        }

        int position = start;
        foreach (Range range in _text.AsSpan(start, end - start).Split('/'))
        {
            int componentEnd = start + range.End.Value;
            if (!CheckComponent(start + range.Start.Value, componentEnd, ref position))
            {
                return false;
            }
        }

        return true;
    }

    private bool CheckComponent(int start, int end, ref int position)
    {
        if (start == end)
        {
            return FailCheck(start, start > 0 && start < _text.Length && _text[start] == '/' ? "'//' is not allowed: a path component is empty" : "it ends with '/'");
        }

        bool expectsAlphanumeric = true;
        for (position = start; position < end;)
        {
            char c = _text[position];
            if (LowerAlphanumeric.Contains(c))
            {
                position++;
                expectsAlphanumeric = false;
                continue;
            }

            if (c is not ('.' or '_' or '-'))
            {
                return FailCheck(position, c switch
                {
                    '\\' => "a backslash is not allowed; use '/' between path components",
                    >= 'A' and <= 'Z' => $"the upper-case letter '{c}' is not allowed in a name; use lower case",
                    _ => $"{Describe(c)} is not allowed in a name",
                });
            }

            // One dot, one or two underscores or any number of dashes, between letters and digits.
            int run = position;
            while (run < end && _text[run] is '.' or '_' or '-')
            {
                run++;
            }

            ReadOnlySpan<char> separator = _text.AsSpan(position, run - position);
            if (expectsAlphanumeric || run == end)
            {
                return FailCheck(position, $"'{separator}' is not allowed at the {(expectsAlphanumeric ? "start" : "end")} of a path component");
            }

            if (separator is not ("." or "_" or "__") && separator.ContainsAnyExcept('-'))
            {
                return FailCheck(position, $"'{separator}' is not a separator; use '.', '_', '__' or any number of '-'");
            }

            position = run;
        }

        return true;
    }

    private bool CheckTag(int start, int end)
    {
        ReadOnlySpan<char> tag = _text.AsSpan(start, end - start);
        if (tag.Length == 0)
        {
            return FailCheck(start, "the tag after ':' is missing");
        }

        if (!IsWord(tag[0]))
        {
            return FailCheck(start, $"{Describe(tag[0])} is not allowed at the start of a tag");
        }

        for (int i = 1; i < tag.Length; i++)
        {
            if (!IsWord(tag[i]) && tag[i] is not ('.' or '-'))
            {
                return FailCheck(start + i, $"{Describe(tag[i])} is not allowed in a tag");
            }
        }

        return tag.Length <= ImageReference.MaxTagLength || FailCheck(start + ImageReference.MaxTagLength, string.Create(
            CultureInfo.InvariantCulture, $"the tag has {tag.Length} characters; the limit is {ImageReference.MaxTagLength}"));
    }

    private bool CheckDigest(int start)
    {
        ReadOnlySpan<char> digest = _text.AsSpan(start);
        int colon = digest.IndexOf(':');
        if (colon < 0)
        {
            return FailCheck(start, "the text after '@' is not a digest (algorithm:hex)");
        }

        int length = digest[..colon] switch
        {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ => 0,
        };
        if (length == 0)
        {
            return FailCheck(start, $"'{digest[..colon]}' is not a supported digest algorithm (sha256, sha384, sha512)");
        }

        ReadOnlySpan<char> hex = digest[(colon + 1)..];
        int bad = hex.IndexOfAnyExcept(LowerHex);
        if (bad >= 0)
        {
            return FailCheck(start + colon + 1 + bad, $"{Describe(hex[bad])} is not a hexadecimal digit (0-9, a-f)");
        }

        return hex.Length == length || FailCheck(_text.Length, string.Create(
            CultureInfo.InvariantCulture, $"a {digest[..colon]} digest has {length} digits, but this one has {hex.Length}"));
    }

    private static int IndexOfNonDomain(ReadOnlySpan<char> label)
    {
        for (int i = 0; i < label.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit(label[i]) && label[i] != '-')
            {
                return i;
            }
        }

        return -1;
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private static string Describe(char c) => c switch
    {
        ' ' => "a space",
        _ when char.IsControl(c) || char.IsSurrogate(c) => string.Create(CultureInfo.InvariantCulture, $"character U+{(int)c:X4}"),
        _ => $"'{c}'",
    };

    private ImageReference? Fail(int position, string reason)
    {
        _error ??= new ImageReferenceError(position, reason);
        return null;
    }

    private bool FailCheck(int position, string reason)
    {
        Fail(position, reason);
        return false;
    }
}
