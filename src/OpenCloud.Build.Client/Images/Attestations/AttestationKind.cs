namespace OpenCloud.Build.Client.Images.Attestations;

/// <summary>What an attestation is about.</summary>
public enum AttestationKind
{
    /// <summary>How an image was built (SLSA provenance).</summary>
    Provenance,

    /// <summary>The packages in an image (SPDX, CycloneDX).</summary>
    Sbom,

    /// <summary>A signature; only its presence is known.</summary>
    Signature,

    /// <summary>Any other statement.</summary>
    Other,
}
