using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Vulnerabilities of images. Argument 0 is what happened, unless an entry says otherwise.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: image, 1: how many vulnerabilities, 2: severity, 3: the first of them.</summary>
    public static readonly ErrorEntry VulnerabilitiesFound = new(
        "VulnerabilitiesFound",
        ErrorCategory.SecurityError,
        "The image '{0}' has {1} of severity {2} or higher: {3}.",
        "Update the packages. FixedVersion of the results is the version with the fix.");

    /// <summary>0: image, 1: " for" and platforms, or nothing.</summary>
    public static readonly ErrorEntry ImageHasNoSbom = new(
        "ImageHasNoSbom",
        ErrorCategory.ObjectNotFound,
        "The image '{0}' does not have an SBOM{1}.",
        "Use -GenerateSbom to let an engine make one, -SbomPath with a file, or -Scanner with Trivy or Grype. Invoke-ImageBuild -Sbom adds an SBOM to an image.");

    public static readonly ErrorEntry InvalidSbom = new(
        "InvalidSbom",
        ErrorCategory.InvalidData,
        "{0}",
        "Use an SBOM in the JSON form of SPDX or CycloneDX.");

    public static readonly ErrorEntry SbomNotGenerated = new(
        "SbomNotGenerated",
        ErrorCategory.InvalidOperation,
        "{0}",
        "Use -EngineAddress with buildkitd or a Docker Engine that has the containerd image store. If the engine cannot pull its scanner, use -SbomGenerator with an image that it can pull.");

    public static readonly ErrorEntry InvalidVulnerabilityData = new(
        "InvalidVulnerabilityData",
        ErrorCategory.InvalidData,
        "{0}",
        "Use -Database with JSON files in the form of OSV, a directory of them, or a zip of OSV.dev.");

    public static readonly ErrorEntry ScannerNotFound = new(
        "ScannerNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Install the program in a directory of PATH, or use -Scanner Osv with -Database.");

    public static readonly ErrorEntry ScannerFailed = new(
        "ScannerFailed",
        ErrorCategory.InvalidResult,
        "{0}",
        "Run the program on an image without this module to check its installation and its database.");
}
