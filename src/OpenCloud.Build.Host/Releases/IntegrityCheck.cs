using System.Security.Cryptography;

namespace OpenCloud.Build.Host.Releases;

/// <summary>The evidence that an archive is verified against.</summary>
public enum IntegrityEvidence
{
    /// <summary>None: the caller skipped the verification.</summary>
    Skipped,

    /// <summary>The hash that the caller gave.</summary>
    GivenSha256,

    /// <summary>This module's table of known releases.</summary>
    KnownRelease,

    /// <summary>The subject of the provenance beside the archive.</summary>
    Provenance,

    /// <summary>The digest that GitHub computed when the asset was uploaded.</summary>
    AssetDigest,

    /// <summary>The list SHA256SUMS beside the archive.</summary>
    Sha256Sums,
}

/// <summary>How an archive was verified, and what that proves.</summary>
/// <param name="Evidence">The evidence that the archive was verified against.</param>
/// <param name="Sha256">The archive's sha256, lower-case hexadecimal.</param>
/// <param name="Proves">The conclusion, as a sentence.</param>
public sealed record IntegrityResult(IntegrityEvidence Evidence, string Sha256, string Proves)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Evidence}, sha256:{Sha256}";
}

/// <summary>Compares an archive with a hash, through the handle from which it is unpacked later.</summary>
internal static class IntegrityCheck
{
    /// <summary>Validates a hash's form and converts it to lower case.</summary>
    public static string Normalize(string sha256)
    {
        string text = sha256.Trim().ToLowerInvariant();
        return text.Length == 64 && text.All(char.IsAsciiHexDigitLower)
            ? text
            : throw new HostException(HostErrorKind.InvalidInput, "A SHA-256 hash must have 64 hexadecimal digits.", target: sha256);
    }

    /// <summary>
    /// Hashes the open archive, compares the hash, and rewinds the archive. The same handle is unpacked later, so nobody can swap the
    /// file in between. expected is null when the caller skipped the verification.
    /// </summary>
    /// <exception cref="HostException">The archive has another hash.</exception>
    public static IntegrityResult Verify(Stream archive, string? expected, IntegrityEvidence evidence, string origin)
    {
        archive.Position = 0;
        string actual = Convert.ToHexStringLower(SHA256.HashData(archive));
        archive.Position = 0;
        if (expected is not null && expected != actual)
        {
            throw new HostException(
                HostErrorKind.Integrity,
                $"{origin} is not the expected archive: its SHA-256 hash is {actual}, but {Source(evidence)} has {expected}. Nothing was unpacked.",
                "Download the archive again. If the error remains, do not use it.",
                origin);
        }

        return new IntegrityResult(evidence, actual, Meaning(evidence));
    }

    private static string Source(IntegrityEvidence evidence) => evidence switch
    {
        IntegrityEvidence.GivenSha256 => "the given -Sha256",
        IntegrityEvidence.KnownRelease => "this module's table of known releases",
        IntegrityEvidence.Provenance => "the release's provenance",
        IntegrityEvidence.Sha256Sums => "the SHA256SUMS beside it",
        _ => "GitHub",
    };

    private static string Meaning(IntegrityEvidence evidence) => evidence switch
    {
        IntegrityEvidence.GivenSha256 => "The archive matches the given hash.",
        IntegrityEvidence.KnownRelease => "The archive matches the hash that this module knows for this release, regardless of its source.",
        IntegrityEvidence.Provenance => "The archive is complete and matches the provenance file beside it. An attacker who can replace both files is not detected (the signature is not verified).",
        IntegrityEvidence.Sha256Sums => "The archive is complete and matches the SHA256SUMS file beside it. An attacker who can replace both files is not detected.",
        IntegrityEvidence.AssetDigest => "The archive matches the digest on the project's release page. This does not prove who uploaded it.",
        _ => "The archive was not verified.",
    };
}
