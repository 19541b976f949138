using System.Globalization;
using Grpc.Core;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire;

/// <summary>Converts between HTTP/2 header fields and gRPC metadata and status (gRPC over HTTP/2, "Custom-Metadata" and "Status").</summary>
internal static class HeaderMetadata
{
    private const string StatusField = "grpc-status";
    private const string MessageField = "grpc-message";

    /// <summary>The fields as metadata, without those that HTTP/2 and gRPC reserve. Binary fields with invalid base64 are left out.</summary>
    public static Metadata ToMetadata(this HeaderList headers)
    {
        Metadata metadata = [];
        foreach (HeaderField field in headers)
        {
            if (field.Name.StartsWith(':') || field.Name is StatusField or MessageField)
            {
                continue;
            }

            if (field.Name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.Ordinal))
            {
                AddBinary(metadata, field);
            }
            else
            {
                metadata.Add(field.Name, field.Value);
            }
        }

        return metadata;
    }

    /// <summary>Appends metadata. Bytes become base64 without padding, as gRPC prefers.</summary>
    public static void AddTo(this Metadata metadata, HeaderList headers)
    {
        foreach (Metadata.Entry entry in metadata)
        {
            headers.Add(entry.Key, entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes).TrimEnd('=') : entry.Value);
        }
    }

    public static Status? ReadStatus(HeaderList headers)
    {
        if (headers[StatusField] is not { } text)
        {
            return null;
        }

        string message = Uri.UnescapeDataString(headers[MessageField] ?? string.Empty);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int code)
            ? new Status(code <= (int)StatusCode.Unauthenticated ? (StatusCode)code : StatusCode.Unknown, message)
            : new Status(StatusCode.Unknown, message.Length > 0 ? message : "The engine ended the call with a status that is not a number.");
    }

    public static void AddStatus(HeaderList headers, Status status)
    {
        headers.Add(StatusField, ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture));
        if (status.Detail.Length > 0)
        {
            headers.Add(MessageField, Uri.EscapeDataString(status.Detail));
        }
    }

    // Several values may be in one field, separated by commas, with or without padding.
    private static void AddBinary(Metadata metadata, HeaderField field)
    {
        foreach (string part in field.Value.Split(',', StringSplitOptions.TrimEntries))
        {
            string text = part.TrimEnd('=');
            byte[] bytes = new byte[text.Length];
            if (Convert.TryFromBase64String(text.PadRight((text.Length + 3) & ~3, '='), bytes, out int length))
            {
                metadata.Add(field.Name, bytes[..length]);
            }
        }
    }
}
