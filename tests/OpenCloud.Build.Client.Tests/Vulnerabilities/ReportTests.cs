using OpenCloud.Build.Client.Vulnerabilities;
using OpenCloud.Build.Client.Vulnerabilities.Scanners;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Vulnerabilities;

/// <summary>The reports of trivy and grype, in the form of their sources.</summary>
public sealed class ReportTests
{
    [Fact]
    public void TrivyIsRead()
    {
        const string Report = """
            {"SchemaVersion":2,"ArtifactName":"image","Results":[{"Target":"image (debian 12.4)","Class":"os-pkgs","Type":"debian","Vulnerabilities":[
              {"VulnerabilityID":"CVE-2023-1","VendorIDs":["DSA-1-1"],"PkgName":"libssl3","PkgIdentifier":{"PURL":"pkg:deb/debian/libssl3@3.0.11-1","UID":"1"},"InstalledVersion":"3.0.11-1",
               "FixedVersion":"3.0.13-1","SeveritySource":"debian","PrimaryURL":"https://avd.test/1","Title":"openssl: bad\nmore","Severity":"HIGH",
               "CVSS":{"nvd":{"V3Vector":"x","V3Score":7.5},"redhat":{"V3Score":5.9}},"PublishedDate":"2023-02-03T04:05:06.78Z"},
              {"VulnerabilityID":"CVE-2023-2","PkgName":"bash","InstalledVersion":"5","Severity":"UNKNOWN","SeveritySource":"redhat","CVSS":{"nvd":{"V2Score":9},"redhat":{"V3Score":5.9}}}]},
              {"Target":"none","Class":"lang-pkgs","Type":"npm"}]}
            """;
        IReadOnlyList<ContainerImageVulnerability> found = ScannerProgram.Read(VulnerabilityScanner.Trivy, Report, "image", "linux/amd64");
        ContainerImageVulnerability first = found[0];
        Assert.Equal(2, found.Count);
        Assert.Equal(("CVE-2023-1", "libssl3", "3.0.11-1", "3.0.13-1", "debian"), (first.Id, first.Package, first.Version, first.FixedVersion, first.Ecosystem));
        Assert.Equal((VulnerabilitySeverity.High, 7.5, "openssl: bad", "https://avd.test/1", 2023), (first.Severity, first.Score, first.Summary, first.Url, first.Published!.Value.Year));
        Assert.Equal(["DSA-1-1"], first.Aliases);
        Assert.Equal((VulnerabilitySeverity.Unknown, 5.9, null), (found[1].Severity, found[1].Score, found[1].FixedVersion));
    }

    [Fact]
    public void GrypeIsRead()
    {
        const string Report = """
            {"matches":[{"vulnerability":{"id":"GHSA-1","dataSource":"https://github.test/GHSA-1","namespace":"github:language:javascript","severity":"Critical","description":"Bad",
              "cvss":[{"version":"3.1","vector":"x","metrics":{"baseScore":9.8}}],"fix":{"versions":["1.5.0"],"state":"fixed"},"advisories":[]},
              "relatedVulnerabilities":[{"id":"CVE-1","dataSource":"https://nvd.test/CVE-1"}],"matchDetails":[],
              "artifact":{"id":"1","name":"left","version":"1.0.0","type":"npm","purl":"pkg:npm/left@1.0.0"}}],"descriptor":{"name":"grype","version":"0.80.0"}}
            """;
        ContainerImageVulnerability found = Assert.Single(ScannerProgram.Read(VulnerabilityScanner.Grype, Report, "image", ""));
        Assert.Equal(("GHSA-1", "left", "1.0.0", "1.5.0", "npm"), (found.Id, found.Package, found.Version, found.FixedVersion, found.Ecosystem));
        Assert.Equal((VulnerabilitySeverity.Critical, 9.8, "Bad", "pkg:npm/left@1.0.0", "https://github.test/GHSA-1"), (found.Severity, found.Score, found.Summary, found.Purl, found.Url));
        Assert.Equal(["CVE-1"], found.Aliases);
    }

    [Theory]
    [InlineData(VulnerabilityScanner.Trivy, "")]
    [InlineData(VulnerabilityScanner.Trivy, "[]")]
    [InlineData(VulnerabilityScanner.Trivy, "{}")]
    [InlineData(VulnerabilityScanner.Grype, "{}")]
    [InlineData(VulnerabilityScanner.Grype, "warning: no database")]
    [InlineData(VulnerabilityScanner.Grype, "{\"matches\":[{\"vulnerability\":{\"id\":\"\\ud800\"}}]}")]
    public void OtherAnswersAreRefused(VulnerabilityScanner scanner, string report) =>
        Assert.Equal(VulnerabilityScanFailure.ScannerFailed, Assert.Throws<VulnerabilityScanException>(() => ScannerProgram.Read(scanner, report, "image", "")).Failure);
}
