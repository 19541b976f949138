using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace OpenCloud.Build.Client.Images.References;

/// <summary>
/// A content digest, <c>algorithm:hex</c>, of an algorithm this client can compute. A value of this type names a file
/// below <c>blobs/</c> safely: the algorithm is one of two words and the rest is lower-case hex of a fixed length.
/// </summary>
/// <remarks>Grammar: OCI image specification, descriptor.md, Digests. sha256 and sha512 are the registered algorithms.</remarks>
public readonly record struct ContentDigest : IComparable<ContentDigest>
{
    private const string Sha256Prefix = "sha256:";
    private const string Sha512Prefix = "sha512:";

    private readonly string? _value;

    private ContentDigest(string value) => _value = value;

    /// <summary>The algorithm: <c>sha256</c> or <c>sha512</c>.</summary>
    public string Algorithm => Value[..6];

    /// <summary>The hash as lower-case hex.</summary>
    public string Hex => Value[7..];

    private string Value => _value ?? throw new InvalidOperationException("The digest is empty.");

    /// <summary>Reads a digest; upper-case hex, other algorithms and anything after the hash are refused.</summary>
    /// <exception cref="FormatException">The text is not a digest.</exception>
    public static ContentDigest Parse(string text) =>
        TryParse(text, out ContentDigest digest)
            ? digest
            : throw new FormatException($"Invalid digest '{text}': use sha256: and 64, or sha512: and 128 lower-case hexadecimal digits.");

    /// <summary>Reads a digest; false when the text is not one.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ContentDigest digest)
    {
        digest = default;
        if (text is null)
        {
            return false;
        }

        int digits = text.StartsWith(Sha256Prefix, StringComparison.Ordinal) ? 64
            : text.StartsWith(Sha512Prefix, StringComparison.Ordinal) ? 128
            : 0;
        if (digits == 0 || text.Length != 7 + digits || text.AsSpan(7).ContainsAnyExcept("0123456789abcdef"))
        {
            return false;
        }

        digest = new ContentDigest(text);
        return true;
    }

    /// <summary>The sha256 digest of the bytes.</summary>
    public static ContentDigest Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return FromSha256(hash);
    }

    /// <inheritdoc/>
    public int CompareTo(ContentDigest other) => string.CompareOrdinal(_value, other._value);

    /// <inheritdoc/>
    public override string ToString() => _value ?? string.Empty;

    internal static ContentDigest FromSha256(ReadOnlySpan<byte> hash) => new(Sha256Prefix + Convert.ToHexStringLower(hash));

    internal IncrementalHash CreateHash() =>
        IncrementalHash.CreateHash(Algorithm == "sha512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);

    internal bool Matches(ReadOnlySpan<byte> hash) => Hex.AsSpan().SequenceEqual(Convert.ToHexStringLower(hash));
}
