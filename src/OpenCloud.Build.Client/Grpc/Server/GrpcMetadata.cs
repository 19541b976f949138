using OpenCloud.Build.Client.Http2;

namespace OpenCloud.Build.Client.Grpc.Server;

/// <summary>gRPC's reading of header fields as metadata (gRPC over HTTP/2, "Custom-Metadata").</summary>
internal static class GrpcMetadata
{
    /// <summary>The values of a name that ends in <c>-bin</c>, decoded from base64 with or without padding; several may be in one field, separated by commas.</summary>
    /// <exception cref="GrpcException">A value is no base64.</exception>
    internal static IReadOnlyList<byte[]> GetBinaryValues(this HeaderList metadata, string name)
    {
        var values = new List<byte[]>();
        foreach (string field in metadata.GetValues(name))
        {
            foreach (string part in field.Split(',', StringSplitOptions.TrimEntries))
            {
                try
                {
                    values.Add(Convert.FromBase64String(part.TrimEnd('=').PadRight((part.TrimEnd('=').Length + 3) / 4 * 4, '=')));
                }
                catch (FormatException error)
                {
                    throw new GrpcException(new GrpcStatus(GrpcStatusCode.Internal, $"The metadata {name} is not base64."), inner: error);
                }
            }
        }

        return values;
    }

    /// <summary>Encodes octets for a name that ends in <c>-bin</c>: base64 without padding, as gRPC prefers.</summary>
    internal static string EncodeBinary(ReadOnlySpan<byte> value) => Convert.ToBase64String(value).TrimEnd('=');
}
