using System.Collections.Frozen;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>An OCI descriptor: the type, digest and size of a content.</summary>
/// <param name="MediaType">The media type, as written.</param>
/// <param name="Digest">The digest of the bytes.</param>
/// <param name="Size">The length of the bytes.</param>
public sealed record OciDescriptor(string MediaType, ContentDigest Digest, long Size)
{
    /// <summary>The platform that an index states for this manifest.</summary>
    public Platform? Platform { get; init; }

    /// <summary>The version of the operating system that an index states for this manifest, as images for Windows have it; empty when it states none.</summary>
    public string OperatingSystemVersion { get; init; } = string.Empty;

    /// <summary>The features that the operating system has to have; empty when the index states none.</summary>
    public IReadOnlyList<string> OperatingSystemFeatures { get; init; } = [];

    /// <summary>The type of the artifact that the manifest is; empty for images.</summary>
    public string ArtifactType { get; init; } = string.Empty;

    /// <summary>The annotations; empty when there are none.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>Whether this is an attestation about another manifest of its index, not an image for a platform.</summary>
    /// <remarks>
    /// BuildKit marks it by an annotation (docs/attestations/attestation-storage.md there) and gives it the platform
    /// <c>unknown/unknown</c>.
    /// </remarks>
    public bool IsAttestation =>
        Annotations.GetValueOrDefault("vnd.docker.reference.type") is "attestation-manifest";

    /// <summary>The manifest that this attestation is about; null when it names none.</summary>
    internal ContentDigest? Subject =>
        IsAttestation && Annotations.TryGetValue("vnd.docker.reference.digest", out string? text) && ContentDigest.TryParse(text, out ContentDigest digest) ? digest : null;
}
