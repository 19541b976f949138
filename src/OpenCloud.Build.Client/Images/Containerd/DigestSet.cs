using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>A set of digests in 32 bytes each: a store has tens of thousands of contents.</summary>
internal sealed class DigestSet
{
    private readonly HashSet<(UInt128 High, UInt128 Low)> _sha256 = [];
    private readonly HashSet<ContentDigest> _others = [];

    public void Add(ContentDigest digest)
    {
        if (digest.Algorithm == "sha256")
        {
            _sha256.Add(Key(digest));
        }
        else
        {
            _others.Add(digest);
        }
    }

    public bool Contains(ContentDigest digest) =>
        digest.Algorithm == "sha256" ? _sha256.Contains(Key(digest)) : _others.Contains(digest);

    private static (UInt128 High, UInt128 Low) Key(ContentDigest digest)
    {
        ReadOnlySpan<char> hex = digest.Hex.AsSpan();
        return (
            UInt128.Parse(hex[..32], System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture),
            UInt128.Parse(hex[32..], System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture));
    }
}
