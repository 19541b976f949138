using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Vulnerabilities;

/// <summary>The packages that an SBOM lists. Only those with a package URL can be matched.</summary>
public sealed class SoftwareBill
{
    private const int MostBytes = 128 * 1024 * 1024;

    internal SoftwareBill(string image, string platform, IReadOnlyList<SoftwarePackage> packages, int unidentified)
    {
        Image = TerminalText.Name(image);
        Platform = TerminalText.Name(platform);
        Packages = packages;
        Unidentified = unidentified;
    }

    /// <summary>The name of the image, or the path of the SBOM.</summary>
    public string Image { get; }

    /// <summary>The platform; empty when unknown.</summary>
    public string Platform { get; }

    /// <summary>The number of packages that can be matched.</summary>
    public int Count => Packages.Count;

    /// <summary>The number of packages without a package URL or a version.</summary>
    public int Unidentified { get; }

    /// <summary>The number of packages of a distribution whose release is unknown.</summary>
    public int WithoutRelease => Packages.Count(static p => p.Release is null && DistributionRelease.IsDistribution(p.Url.Type));

    internal IReadOnlyList<SoftwarePackage> Packages { get; }

    /// <summary>Reads the packages of an SBOM in SPDX or CycloneDX form.</summary>
    /// <param name="attestation">The attestation.</param>
    /// <exception cref="VulnerabilityScanException">It is not a valid SBOM.</exception>
    public static SoftwareBill From(ContainerImageAttestation attestation)
    {
        ArgumentNullException.ThrowIfNull(attestation);
        return SbomReader.Read(System.Text.Encoding.UTF8.GetBytes(attestation.Statement), attestation.Image, attestation.Platform);
    }

    /// <summary>Reads the packages of a file in the JSON form of SPDX or CycloneDX.</summary>
    /// <param name="path">The path, also of a pipe.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="VulnerabilityScanException">The file cannot be read, or is not a valid SBOM.</exception>
    public static SoftwareBill ReadFile(string path, CancellationToken cancellationToken = default)
    {
        try
        {
            return SbomReader.Read(InputFile.ReadNamed(path, MostBytes, cancellationToken).Bytes, path, string.Empty);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new VulnerabilityScanException(VulnerabilityScanFailure.InvalidSbom, $"The SBOM '{path}' cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Image;
}
