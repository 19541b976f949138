using System.Globalization;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>Whether a response's header fields are well-formed (RFC 9113, 8.2 and 8.3.2).</summary>
internal static class Http2ResponseValidator
{
    /// <summary>Checks a response's header fields. The content length is in bytes, -1 when absent.</summary>
    /// <returns>The fault, or null.</returns>
    internal static string? FindFault(HeaderList headers, out int status, out long contentLength)
    {
        status = 0;
        contentLength = -1;
        for (int i = 0; i < headers.Count; i++)
        {
            HeaderField field = headers[i];
            if (field.Name.StartsWith(':'))
            {
                // It is the only pseudo-header field of a response, so it is the first field and comes once.
                if (i != 0 || field.Name != ":status" || !TryReadStatus(field.Value, out status))
                {
                    return "A pseudo-header field other than one :status in front.";
                }
            }
            else if (Http2RequestValidator.FindFault(field) is string fault)
            {
                return fault;
            }
            else if (field.Name == "content-length" && !Http2RequestValidator.TryReadLength(field.Value, ref contentLength))
            {
                return "A malformed content-length.";
            }

            if (!Http2RequestValidator.IsValidValue(field.Value))
            {
                return "A field value with characters that are not allowed.";
            }
        }

        return status != 0 ? null : "A response needs a :status.";
    }

    private static bool TryReadStatus(string value, out int status) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out status) && value.Length == 3 && status is >= 100 and <= 999;
}
