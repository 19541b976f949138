using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using OpenCloud.Build.Client.Http2;

namespace OpenCloud.Build.Client.Grpc.Server;

/// <summary>Writes a status as header fields (gRPC over HTTP/2, "Status" and "Status-Message").</summary>
internal static class GrpcTrailers
{
    /// <summary>Adds the fields of a status.</summary>
    internal static void Add(HeaderList headers, GrpcStatus status, IReadOnlyList<GrpcStatusDetail> details)
    {
        headers.Add("grpc-status", ((int)status.Code).ToString(CultureInfo.InvariantCulture));
        if (status.Message.Length > 0)
        {
            headers.Add("grpc-message", Encode(status.Message));
        }

        if (details.Count > 0)
        {
            var message = new Protocol.Rpc.Status { Code = (int)status.Code, Message = status.Message };
            foreach (GrpcStatusDetail detail in details)
            {
                message.Details.Add(new Any { TypeUrl = detail.TypeUrl, Value = ByteString.CopyFrom(detail.Value.Span) });
            }

            headers.Add("grpc-status-details-bin", GrpcMetadata.EncodeBinary(message.ToByteArray()));
        }
    }

    /// <summary>Percent-encodes a message: octets of its UTF-8 outside of printable ASCII, and the percent sign.</summary>
    internal static string Encode(string message)
    {
        var encoded = new StringBuilder(message.Length);
        foreach (byte octet in Encoding.UTF8.GetBytes(message))
        {
            if (octet is >= 0x20 and <= 0x7e and not (byte)'%')
            {
                encoded.Append((char)octet);
            }
            else
            {
                encoded.Append(CultureInfo.InvariantCulture, $"%{octet:X2}");
            }
        }

        // A field value must not begin or end with a space (RFC 9113, 8.2.1).
        if (encoded.Length > 0 && encoded[0] == ' ')
        {
            encoded.Remove(0, 1).Insert(0, "%20");
        }

        if (encoded.Length > 0 && encoded[^1] == ' ')
        {
            encoded.Length--;
            encoded.Append("%20");
        }

        return encoded.ToString();
    }
}
