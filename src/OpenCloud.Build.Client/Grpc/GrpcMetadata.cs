using System.Buffers;
using System.Collections;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>
/// Headers of a call, in order. A name may be there several times and then goes out as as many header fields (gRPC's HTTP/2 mapping,
/// Custom-Metadata).
/// </summary>
internal sealed class GrpcMetadata : IReadOnlyCollection<KeyValuePair<string, string>>
{
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");

    private readonly List<KeyValuePair<string, string>> _entries = [];

    public int Count => _entries.Count;

    /// <summary>Adds a text value.</summary>
    /// <exception cref="ArgumentException">The name is not a lower-case header name or is gRPC's own, or the value is not printable ASCII.</exception>
    public void Add(string name, string value)
    {
        CheckName(name);
        if (name.EndsWith("-bin", StringComparison.Ordinal))
        {
            throw new ArgumentException($"The metadata '{name}' is binary by its name; add its bytes.", nameof(name));
        }
        if (value.AsSpan().IndexOfAnyExceptInRange(' ', '~') >= 0 || value.Length != value.Trim().Length)
        {
            // The value itself may be a secret.
            throw new ArgumentException($"The value of metadata '{name}' has characters other than printable ASCII, or blanks around it.", nameof(value));
        }
        _entries.Add(new(name, value));
    }

    /// <summary>Adds bytes under a name that ends in <c>-bin</c>.</summary>
    public void Add(string name, ReadOnlySpan<byte> value)
    {
        CheckName(name);
        if (!name.EndsWith("-bin", StringComparison.Ordinal))
        {
            throw new ArgumentException($"The name of binary metadata ends in -bin; '{name}' does not.", nameof(name));
        }
        _entries.Add(new(name, Convert.ToBase64String(value)));
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static void CheckName(string name)
    {
        if (name.Length == 0 || name.AsSpan().IndexOfAnyExcept(NameCharacters) >= 0)
        {
            throw new ArgumentException($"'{name}' is no name of metadata: lower-case letters, digits, '-', '_' and '.' are.", nameof(name));
        }
        if (name.StartsWith("grpc-", StringComparison.Ordinal) || name is "te" or "content-type" or "user-agent" or "host" or "connection" or "content-length" or "transfer-encoding")
        {
            throw new ArgumentException($"'{name}' belongs to gRPC itself.", nameof(name));
        }
    }
}
