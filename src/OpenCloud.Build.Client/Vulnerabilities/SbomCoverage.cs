using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Vulnerabilities;

/// <summary>Which platforms of an image have an SBOM.</summary>
public static class SbomCoverage
{
    /// <summary>Finds the platforms without an SBOM, as manifests of the image. A store may have an index of platforms that it does not have: they are left out.</summary>
    /// <param name="image">The image.</param>
    /// <param name="bills">The SBOMs of the image.</param>
    /// <param name="platforms">The platforms to look at; all when empty.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="OciFormatException">The image is damaged.</exception>
    public static async Task<IReadOnlyList<OciDescriptor>> FindMissingAsync(
        OpenedImage image, IReadOnlyList<ContainerImageAttestation> bills, IReadOnlyList<Platform> platforms, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(bills);
        if (!OciMediaTypes.IsIndex(image.Target.MediaType))
        {
            return bills.Count > 0 ? [] : [image.Target];
        }

        OciManifest index = await AttestationReader.ReadManifestAsync(image.Source, image.Target, cancellationToken).ConfigureAwait(false);
        List<OciDescriptor> images = [.. ImageTree.Select(index.Manifests, platforms).Where(static m => !m.IsAttestation && m.Platform?.IsUnknown() != true)];
        List<OciDescriptor> missing = [];
        foreach (OciDescriptor manifest in images.Where(m => !Includes(bills, m.Digest, images.Count)))
        {
            ImageTree tree = await ImageTree.ReadAsync(image.Source, manifest, [], cancellationToken).ConfigureAwait(false);
            if (tree.HasCompleteManifest)
            {
                missing.Add(manifest);
            }
        }

        return missing;
    }

    /// <summary>Whether one of the SBOMs is about a manifest. One that names no manifest is about the only one.</summary>
    internal static bool Includes(IReadOnlyList<ContainerImageAttestation> bills, ContentDigest manifest, int manifests)
    {
        string digest = manifest.ToString();
        return bills.Any(b => b.Subject == digest || (b.Subject is null && manifests == 1));
    }
}
