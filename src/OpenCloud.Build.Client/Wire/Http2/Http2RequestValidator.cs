using System.Buffers;
using System.Globalization;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>Whether a request's header fields are well-formed (RFC 9113, 8.2 and 8.3).</summary>
internal static class Http2RequestValidator
{
    // A token's characters (RFC 9110, 5.6.2) without the upper-case letters.
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");
    private static readonly SearchValues<char> ForbiddenInValues = SearchValues.Create("\0\r\n");

    /// <summary>Checks a request's header fields. The content length is in bytes, -1 when absent.</summary>
    /// <returns>The fault, or null.</returns>
    internal static string? FindFault(HeaderList headers, out long contentLength)
    {
        contentLength = -1;
        bool regularSeen = false;
        int method = 0;
        int scheme = 0;
        int path = 0;
        int authority = 0;
        foreach (HeaderField field in headers)
        {
            if (field.Name.StartsWith(':'))
            {
                if (regularSeen)
                {
                    return "A pseudo-header field follows a regular one.";
                }

                switch (field.Name)
                {
                    case ":method":
                        method++;
                        break;
                    case ":scheme":
                        scheme++;
                        break;
                    case ":path":
                        path++;
                        break;
                    case ":authority":
                        authority++;
                        break;
                    default:
                        return "An unknown pseudo-header field.";
                }

                if (field.Value.Length == 0 && field.Name != ":authority")
                {
                    return "An empty pseudo-header field.";
                }
            }
            else
            {
                regularSeen = true;
                if (FindFault(field) is string fault)
                {
                    return fault;
                }

                if (field.Name == "content-length" && !TryReadLength(field.Value, ref contentLength))
                {
                    return "A malformed content-length.";
                }
            }

            if (!IsValidValue(field.Value))
            {
                return "A field value with characters that are not allowed.";
            }
        }

        return method == 1 && scheme == 1 && path == 1 && authority <= 1 ? null : "A request needs one each of :method, :scheme and :path.";
    }

    internal static string? FindTrailerFault(HeaderList trailers)
    {
        foreach (HeaderField field in trailers)
        {
            if (FindFault(field) is string fault)
            {
                return fault;
            }

            if (!IsValidValue(field.Value))
            {
                return "A field value with characters that are not allowed.";
            }
        }

        return null;
    }

    internal static string? FindFault(HeaderField field)
    {
        if (field.Name.Length == 0 || field.Name.AsSpan().ContainsAnyExcept(NameCharacters))
        {
            return "A field name with characters that are not allowed.";
        }

        return field.Name switch
        {
            "connection" or "keep-alive" or "proxy-connection" or "transfer-encoding" or "upgrade" => "A field that belongs to HTTP/1.1 connections.",
            "te" when field.Value != "trailers" => "A TE field other than trailers.",
            _ => null,
        };
    }

    internal static bool IsValidValue(string value) =>
        value.AsSpan().IndexOfAny(ForbiddenInValues) < 0
        && (value.Length == 0 || (value[0] is not (' ' or '\t') && value[^1] is not (' ' or '\t')));

    /// <summary>Reads a content-length; repeated values must agree.</summary>
    internal static bool TryReadLength(string value, ref long contentLength)
    {
        if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long length) || (contentLength >= 0 && contentLength != length))
        {
            return false;
        }

        contentLength = length;
        return true;
    }
}
