using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using OpenCloud.Build.Client.Http2;
using RpcStatus = OpenCloud.Build.Client.Protocol.Rpc.Status;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>The end of a call as its headers tell it: <c>grpc-status</c>, <c>grpc-message</c>, <c>grpc-status-details-bin</c>.</summary>
internal static class GrpcTrailers
{
    private const string DetailsField = "grpc-status-details-bin";

    /// <summary>Reads the status, or null when there is none.</summary>
    public static GrpcStatus? ReadStatus(HttpHeaders headers) => ReadStatus(name => Single(headers, name));

    /// <summary>Reads the status, or null when there is none.</summary>
    public static GrpcStatus? ReadStatus(HeaderList headers) => ReadStatus(name => headers[name]);

    private static GrpcStatus? ReadStatus(Func<string, string?> field)
    {
        if (field("grpc-status") is not { } text)
        {
            return null;
        }
        string message = field("grpc-message") is { } encoded ? PercentDecode(encoded) : "";
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int code)
            ? new GrpcStatus(code <= (int)GrpcStatusCode.Unauthenticated ? (GrpcStatusCode)code : GrpcStatusCode.Unknown, message)
            : new GrpcStatus(GrpcStatusCode.Unknown, message.Length > 0 ? message : "The engine ended the call with a status that is no number.");
    }

    /// <summary>The exception of a status that is not Ok, with what details came with it.</summary>
    public static GrpcException ToException(GrpcStatus status, HttpHeaders headers) => ToException(status, Single(headers, DetailsField));

    /// <summary>The exception of a status that is not Ok, with what details came with it.</summary>
    public static GrpcException ToException(GrpcStatus status, HeaderList headers) => ToException(status, headers[DetailsField]);

    private static GrpcException ToException(GrpcStatus status, string? details) => new(status, details is null ? [] : DecodeDetails(details));

    /// <summary>The details of a base64-encoded <c>google.rpc.Status</c>; empty when it is none. A bad detail never hides the error it belongs to.</summary>
    public static IReadOnlyList<GrpcStatusDetail> DecodeDetails(string encoded)
    {
        try
        {
            // Senders may leave the padding out; receivers take both (gRPC's HTTP/2 mapping, Binary-Header).
            string text = encoded.Trim().TrimEnd('=');
            byte[] bytes = Convert.FromBase64String(text.PadRight((text.Length + 3) & ~3, '='));
            return [.. RpcStatus.Parser.ParseFrom(bytes).Details.Select(static d => new GrpcStatusDetail(d.TypeUrl, d.Value.Memory))];
        }
        catch (Exception e) when (e is FormatException or InvalidProtocolBufferException)
        {
            return [];
        }
    }

    /// <summary>Decodes a <c>grpc-message</c>; what is not a valid escape stays as it is (gRPC's HTTP/2 mapping, Percent-Encoded).</summary>
    public static string PercentDecode(string text)
    {
        if (!text.Contains('%'))
        {
            return text;
        }
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '%' && i + 2 < text.Length && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                bytes[length++] = value;
                i += 2;
            }
            else
            {
                length += Encoding.UTF8.GetBytes(text.AsSpan(i, 1), bytes.AsSpan(length));
            }
        }
        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    /// <summary>The status that an HTTP answer without a gRPC status stands for (gRPC's http-grpc-status-mapping document).</summary>
    public static GrpcStatusCode FromHttp(int status) => status switch
    {
        400 => GrpcStatusCode.Internal,
        401 => GrpcStatusCode.Unauthenticated,
        403 => GrpcStatusCode.PermissionDenied,
        404 => GrpcStatusCode.Unimplemented,
        429 or 502 or 503 or 504 => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.Unknown,
    };

    /// <summary>The status that an HTTP/2 error code stands for (gRPC's HTTP/2 mapping, Errors).</summary>
    public static GrpcStatusCode FromHttp2(long errorCode) => errorCode switch
    {
        // A connection that was closed in good order, or a stream that was not taken up: trying again may help.
        0x0 or 0x7 => GrpcStatusCode.Unavailable,
        0x8 => GrpcStatusCode.Cancelled,
        0xb => GrpcStatusCode.ResourceExhausted,
        0xc => GrpcStatusCode.PermissionDenied,
        _ => GrpcStatusCode.Internal,
    };

    private static string? Single(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out HeaderStringValues values) ? values.FirstOrDefault() : null;
}
