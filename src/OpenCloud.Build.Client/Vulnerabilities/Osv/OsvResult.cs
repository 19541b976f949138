namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>What vulnerability data says about packages.</summary>
/// <param name="Found">The vulnerabilities, in the order of the images, then by package, most severe first.</param>
/// <param name="Unchecked">The packages that no record of the data can be about.</param>
public sealed record OsvResult(IReadOnlyList<ContainerImageVulnerability> Found, IReadOnlyList<UncheckedPackages> Unchecked);
