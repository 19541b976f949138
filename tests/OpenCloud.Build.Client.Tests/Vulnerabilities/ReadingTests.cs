using System.Text;
using OpenCloud.Build.Client.Vulnerabilities;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Vulnerabilities;

/// <summary>Package URLs, SBOMs and scores.</summary>
public sealed class ReadingTests
{
    [Theory]
    [InlineData("pkg:npm/%40angular/core@16.0.0", "npm", "@angular", "core", "16.0.0")]
    [InlineData("pkg:npm/@angular/core@16.0.0", "npm", "@angular", "core", "16.0.0")]
    [InlineData("pkg:npm/@angular/core", "npm", "@angular", "core", "")]
    [InlineData("pkg:golang/github.com/docker/docker@v25.0.0%2Bincompatible#pkg/api", "golang", "github.com/docker", "docker", "v25.0.0+incompatible")]
    [InlineData("pkg:deb/debian/libc6@1%3A2.36-9?arch=amd64&distro=debian-12", "deb", "debian", "libc6", "1:2.36-9")]
    [InlineData("PKG:PyPI/requests@2.31.0", "pypi", "", "requests", "2.31.0")]
    [InlineData("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "maven", "org.apache.logging.log4j", "log4j-core", "2.14.1")]
    public void APackageUrlIsRead(string text, string type, string @namespace, string name, string version)
    {
        Assert.True(PackageUrl.TryParse(text, out PackageUrl? purl));
        Assert.Equal((type, @namespace, name, version), (purl.Type, purl.Namespace, purl.Name, purl.Version));
    }

    [Theory]
    [InlineData("pkg:golang/github.com/a/b@v4.1.0#v4", "v4")]
    [InlineData("pkg:golang/github.com/a/b@v4.1.0?x=y#/sub/./../v4%2B1//", "sub/v4+1")]
    [InlineData("pkg:golang/github.com/a/b@v4.1.0", "")]
    [InlineData("pkg:golang/github.com/a/b@v4.1.0#", "")]
    public void APackageUrlHasASubpath(string text, string subpath)
    {
        Assert.True(PackageUrl.TryParse(text, out PackageUrl? purl));
        Assert.Equal((subpath, "github.com/a/b", "v4.1.0"), (purl.Subpath, purl.FullName, purl.Version));
    }

    [Theory]
    [InlineData("")]
    [InlineData("npm/core")]
    [InlineData("pkg:npm")]
    [InlineData("pkg:npm/")]
    [InlineData("pkg:/core")]
    public void WhatIsNoPackageUrlIsRefused(string text) => Assert.False(PackageUrl.TryParse(text, out _));

    [Theory]
    [InlineData("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8)]
    [InlineData("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0)]
    [InlineData("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1)]
    [InlineData("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8)]
    [InlineData("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1)]
    [InlineData("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H/E:P", 7.5)]
    [InlineData("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0)]
    [InlineData("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0)]
    [InlineData("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8)]
    [InlineData("AV:N/AC:M/Au:N/C:P/I:N/A:N", 4.3)]
    public void AVectorHasAScore(string vector, double score) => Assert.Equal(score, CvssScore.Of(vector));

    [Theory]
    [InlineData("")]
    [InlineData("CVSS:3.1/AV:N")]
    [InlineData("CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")]
    [InlineData("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:X/C:H/I:H/A:H")]
    [InlineData("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N")]
    [InlineData("CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")]
    public void ADamagedVectorHasNone(string vector) => Assert.Null(CvssScore.Of(vector));

    [Theory]
    [InlineData("MODERATE", VulnerabilitySeverity.Medium)]
    [InlineData("important", VulnerabilitySeverity.High)]
    [InlineData("unimportant", VulnerabilitySeverity.Negligible)]
    [InlineData("not yet assigned", VulnerabilitySeverity.Unknown)]
    public void AWordHasASeverity(string word, VulnerabilitySeverity severity) => Assert.Equal(severity, Severities.Of(word));

    [Theory]
    [InlineData("debian-12", "12")]
    [InlineData("debian-12.4", "12.4")]
    [InlineData("alpine-3.20.1", "3.20.1")]
    [InlineData("3.20.1", "3.20.1")]
    [InlineData("opensuse-leap-15.5", "15.5")]
    [InlineData("bookworm", "12")]
    [InlineData("debian-sid", "sid")]
    [InlineData("wolfi", null)]
    [InlineData("", null)]
    public void AReleaseIsRead(string distro, string? release) => Assert.Equal(release, DistributionRelease.Of(distro));

    [Fact]
    public void AnSpdxDocumentHasPackagesAndTheirSources()
    {
        SoftwareBill bill = Read("""
            {"spdxVersion":"SPDX-2.3","packages":[
              {"name":"libssl3","versionInfo":"3.0.11-1","externalRefs":[{"referenceType":"cpe23Type","referenceLocator":"cpe:x"},{"referenceType":"purl","referenceLocator":"pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&upstream=openssl&distro=debian-12"}]},
              {"name":"libperl","versionInfo":"5.36.0-7","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:deb/debian/libperl@5.36.0-7?upstream=perl%405.36.0-8&distro=debian-12"}]},
              {"name":"openssl-libs","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:rpm/rocky/openssl-libs@3.0.7-1.el9?epoch=1&upstream=openssl-3.0.7-1.el9.src.rpm&distro=rocky-9.3"}]},
              {"name":"libc6","sourceInfo":"built package from: glibc 2.36-9","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:deb/debian/libc6@2.36-9?arch=amd64"}]},
              {"name":"debian","versionInfo":"12.4","primaryPackagePurpose":"OPERATING-SYSTEM"},
              {"name":"app","versionInfo":"1"}]}
            """);
        Assert.Equal((4, 2, 0), (bill.Count, bill.Unidentified, bill.WithoutRelease));
        Assert.Equal(
            [("openssl", "3.0.11-1", "12"), ("perl", "5.36.0-8", "12"), ("openssl", "1:3.0.7-1.el9", "9.3"), ("glibc", "2.36-9", "12.4")],
            bill.Packages.Select(static p => (p.SourceName, p.SourceVersion, p.Release!)));
        Assert.Equal("1:3.0.7-1.el9", bill.Packages[2].Version);
    }

    /// <summary>The properties that trivy writes into CycloneDX (aquasecurity/trivy, pkg/sbom/core/bom.go).</summary>
    [Theory]
    [InlineData("pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12.4", "SrcName=openssl;SrcVersion=3.0.11;SrcRelease=1", "openssl", "3.0.11-1")]
    [InlineData("pkg:deb/debian/libperl5.36@5.36.0-7?distro=debian-12.4", "SrcName=perl;SrcVersion=5.36.0;SrcRelease=7;SrcEpoch=2", "perl", "2:5.36.0-7")]
    [InlineData("pkg:apk/alpine/libcrypto3@3.1.4-r5?distro=3.18.4", "SrcName=openssl;SrcVersion=3.1.4-r5", "openssl", "3.1.4-r5")]
    [InlineData("pkg:apk/alpine/libcrypto3@3.1.4-r5?distro=3.18.4", "SrcName=openssl", "openssl", "3.1.4-r5")]
    [InlineData("pkg:rpm/rocky/openssl-libs@3.0.7-24.el9?distro=rocky-9.3&epoch=1", "SrcName=openssl;SrcVersion=3.0.7;SrcRelease=24.el9;SrcEpoch=1", "openssl", "1:3.0.7-24.el9")]
    [InlineData("pkg:deb/debian/adduser@3.134?distro=debian-12.4", "SrcName=adduser;SrcVersion=3.134", "adduser", "3.134")]
    [InlineData("pkg:deb/debian/adduser@3.134?distro=debian-12.4", "PkgType=debian", "adduser", "3.134")]
    public void TheSourcePackagesOfTrivyAreRead(string purl, string properties, string name, string version)
    {
        string listed = string.Join(',', properties.Split(';').Select(static p => p.Split('=')).Select(static p => $$"""{"name":"aquasecurity:trivy:{{p[0]}}","value":"{{p[1]}}"}"""));
        SoftwareBill bill = Read($$"""{"bomFormat":"CycloneDX","components":[{"type":"library","name":"x","purl":"{{purl}}","properties":[{{listed}}]}]}""");
        SoftwarePackage package = Assert.Single(bill.Packages);
        Assert.Equal((name, version), (package.SourceName, package.SourceVersion));
    }

    [Fact]
    public void AStatementAndACycloneDxDocumentAreRead()
    {
        SoftwareBill bill = Read("""
            {"_type":"https://in-toto.io/Statement/v0.1","predicate":{"bomFormat":"CycloneDX","components":[
              {"name":"a","version":"1","purl":"pkg:npm/a@1","components":[{"name":"b","version":"2","purl":"pkg:npm/b"}]}]}}
            """);
        Assert.Equal([("a", "1"), ("b", "2")], bill.Packages.Select(static p => (p.Url.Name, p.Version)).Order());
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"predicate\":[]}")]
    [InlineData("{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[{\"name\":\"\\ud800\",\"versionInfo\":\"\\ud800\",\"externalRefs\":[{\"referenceType\":\"purl\",\"referenceLocator\":\"pkg:npm/a\"}]}]}")]
    [InlineData("{\"spdxVersion\":\"a\",\"spdxVersion\":\"b\"}")]
    public void WhatIsNoSbomIsRefused(string json)
    {
        VulnerabilityScanException refused = Assert.Throws<VulnerabilityScanException>(() => Read(json));
        Assert.Equal(VulnerabilityScanFailure.InvalidSbom, refused.Failure);
    }

    [Fact]
    public void ADeepDocumentIsRefused() =>
        Assert.Throws<VulnerabilityScanException>(() => Read("{\"spdxVersion\":\"SPDX-2.3\",\"x\":" + new string('[', 100_000)));

    private static SoftwareBill Read(string json) => SbomReader.Read(Encoding.UTF8.GetBytes(json), "image", "linux/amd64");
}
