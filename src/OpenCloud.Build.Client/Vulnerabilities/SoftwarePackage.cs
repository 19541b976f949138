namespace OpenCloud.Build.Client.Vulnerabilities;

/// <summary>A package of an SBOM.</summary>
/// <param name="Purl">The package URL as it is written.</param>
/// <param name="Url">The package URL.</param>
/// <param name="Version">The version, with the epoch of Debian and RPM packages.</param>
/// <param name="SourceName">The name of the source package of a distribution; the package's own name when it is the same.</param>
/// <param name="SourceVersion">The version of the source package.</param>
/// <param name="Release">The release of the distribution, such as 12 or 3.20.1; null when unknown.</param>
internal sealed record SoftwarePackage(string Purl, PackageUrl Url, string Version, string SourceName, string SourceVersion, string? Release);
