using System.IO.Compression;
using System.Text;
using OpenCloud.Build.Client.Vulnerabilities;
using OpenCloud.Build.Client.Vulnerabilities.Osv;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Vulnerabilities;

/// <summary>Packages and records in the form of OSV.</summary>
public sealed class OsvTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocb-osv-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The evaluation of OSV's specification, with its examples.</summary>
    [Theory]
    [InlineData("1.0.1", true, """{"introduced":"0"}""")]
    [InlineData("1.0.1", true, """{"introduced":"0"},{"fixed":"1.0.2"}""")]
    [InlineData("1.0.2", false, """{"introduced":"0"},{"fixed":"1.0.2"}""")]
    [InlineData("2.0.0", false, """{"introduced":"1.0.0"},{"fixed":"1.0.2"},{"introduced":"3.0.0"},{"fixed":"3.2.5"}""")]
    [InlineData("3.1.0", true, """{"introduced":"1.0.0"},{"fixed":"1.0.2"},{"introduced":"3.0.0"},{"fixed":"3.2.5"}""")]
    [InlineData("3.1.0", true, """{"fixed":"3.2.5"},{"introduced":"3.0.0"},{"fixed":"1.0.2"},{"introduced":"1.0.0"}""")]
    [InlineData("0.9.0", false, """{"introduced":"1.0.0"},{"fixed":"1.0.2"}""")]
    [InlineData("2.1.0", true, """{"introduced":"0"},{"last_affected":"2.1.0"}""")]
    [InlineData("2.1.1", false, """{"introduced":"0"},{"last_affected":"2.1.0"}""")]
    [InlineData("2.1.0", true, """{"introduced":"2.1.0"},{"last_affected":"2.1.0"}""")]
    [InlineData("2.2.0", false, """{"introduced":"2.1.0"},{"last_affected":"2.1.0"}""")]
    [InlineData("2.0.0", true, """{"introduced":"1.0.0"},{"fixed":"2.0.0"},{"introduced":"2.0.0"},{"fixed":"3.0.0"}""")]
    [InlineData("1.5.0", true, """{"introduced":"1.0.0"},{"limit":"2.0.0"}""")]
    [InlineData("2.5.0", false, """{"introduced":"1.0.0"},{"limit":"2.0.0"}""")]
    [InlineData("2.5.0", true, """{"introduced":"1.0.0"},{"limit":"*"}""")]
    [InlineData("1.0.0-rc.1", true, """{"introduced":"0"},{"fixed":"1.0.0"}""")]
    [InlineData("latest", false, """{"introduced":"0"}""")]
    public async Task ARangeIncludesAVersion(string version, bool isAffected, string events)
    {
        Write("a.json", Record("A-1", "npm", "left", $$""" "ranges":[{"type":"SEMVER","events":[{{events}}]}] """));
        Assert.Equal(isAffected, (await FindAsync($"pkg:npm/left@{version}")).Count == 1);
    }

    [Theory]
    [InlineData("pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl&distro=debian-12", "Debian:12", "openssl", true)]
    [InlineData("pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl&distro=debian-12.4", "Debian:12", "openssl", true)]
    [InlineData("pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl&distro=debian-12", "Debian:11", "openssl", false)]
    [InlineData("pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl&distro=debian-12", "Debian", "openssl", true)]
    [InlineData("pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl", "Debian:12", "openssl", false)]
    [InlineData("pkg:deb/ubuntu/libssl3@3.0.11-1?upstream=openssl&distro=ubuntu-22.04", "Debian:12", "openssl", false)]
    [InlineData("pkg:deb/ubuntu/libssl3@3.0.11-1?upstream=openssl&distro=ubuntu-22.04", "Ubuntu:22.04:LTS", "openssl", true)]
    [InlineData("pkg:deb/ubuntu/libssl3@3.0.11-1?upstream=openssl&distro=ubuntu-22.04", "Ubuntu:Pro:22.04:LTS", "openssl", true)]
    [InlineData("pkg:deb/ubuntu/libssl3@3.0.11-1?upstream=openssl&distro=ubuntu-22.04", "Ubuntu:Pro:FIPS:22.04:LTS", "openssl", false)]
    [InlineData("pkg:apk/alpine/libcrypto3@3.0.11-r0?upstream=openssl&distro=alpine-3.20.1", "Alpine:v3.20", "openssl", true)]
    [InlineData("pkg:apk/alpine/libcrypto3@3.0.11-r0?upstream=openssl&distro=alpine-3.20.1", "Alpine:v3.2", "openssl", false)]
    [InlineData("pkg:apk/wolfi/openssl@3.0.11-r0?distro=wolfi-20230201", "Wolfi", "openssl", true)]
    [InlineData("pkg:rpm/rocky/openssl@3.0.11-1?distro=rocky-9.3", "Rocky Linux:9", "openssl", true)]
    [InlineData("pkg:rpm/redhat/openssl@3.0.11-1?distro=rhel-9.3", "Red Hat:enterprise_linux:9::baseos", "openssl", true)]
    [InlineData("pkg:rpm/redhat/openssl@3.0.11-1?distro=rhel-9.3", "Red Hat:enterprise_linux:8::baseos", "openssl", false)]
    [InlineData("pkg:rpm/opensuse/openssl@3.0.11-1?distro=opensuse-leap-15.5", "openSUSE:Leap 15.5", "openssl", true)]
    [InlineData("pkg:rpm/opensuse-leap/openssl@3.0.11-1?distro=opensuse-leap-15.5", "openSUSE:Leap 15.5", "openssl", true)]
    [InlineData("pkg:rpm/opensuse.leap/openssl@3.0.11-1?distro=opensuse.leap-15.5", "openSUSE:Leap 15.5", "openssl", true)]
    [InlineData("pkg:rpm/suse/openssl@3.0.11-1?distro=sles-15.5", "SUSE:Linux Enterprise Server 15 SP5", "openssl", true)]
    [InlineData("pkg:rpm/suse/openssl@3.0.11-1?distro=sles-15.4", "SUSE:Linux Enterprise Server 15 SP5", "openssl", false)]
    [InlineData("pkg:pypi/Flask_Login@3.0.11", "PyPI", "flask-login", true)]
    [InlineData("pkg:nuget/Newtonsoft.Json@3.0.11", "NuGet", "newtonsoft.json", true)]
    [InlineData("pkg:golang/github.com/a/b@v3.0.11", "Go", "github.com/a/b", true)]
    [InlineData("pkg:golang/github.com/azure/azure-sdk@v3.0.11", "Go", "github.com/Azure/azure-sdk", true)]
    [InlineData("pkg:golang/github.com/Azure/azure-sdk@v3.0.11", "Go", "github.com/Azure/azure-sdk", true)]
    [InlineData("pkg:golang/github.com/a/b@v3.0.11#v3", "Go", "github.com/a/b/v3", true)]
    [InlineData("pkg:golang/github.com/a/b@v3.0.11#sub/v3", "Go", "github.com/a/b/sub/v3", true)]
    [InlineData("pkg:golang/github.com/a/b@v3.0.11#v3", "Go", "github.com/a/b", false)]
    [InlineData("pkg:golang/github.com/a/b@v3.0.11#sub/x", "Go", "github.com/a/b/sub/x", true)]
    [InlineData("pkg:golang/github.com/a/b@v3.0.11#sub/x", "Go", "github.com/a/b", true)]
    [InlineData("pkg:golang/github.com/a/b@v3.0.11#sub/x", "Go", "github.com/a/b/sub", false)]
    [InlineData("pkg:golang/github.com/a/b@v3.0.11#v3", "Go", "github.com/a/b/v2", false)]
    [InlineData("pkg:golang/github.com/a/b/v3@v3.0.11", "Go", "github.com/a/b", false)]
    [InlineData("pkg:npm/a@3.0.11#b", "npm", "a/b", false)]
    [InlineData("pkg:maven/org.a/b@3.0.11", "Maven", "org.a:b", true)]
    [InlineData("pkg:maven/org.a/b@3.0.11", "Maven:https://maven.test", "org.a:b", false)]
    [InlineData("pkg:maven/org.a/b@3.0.11?repository_url=https://maven.test", "Maven:https://maven.test", "org.a:b", true)]
    [InlineData("pkg:hex/Jason@3.0.11", "Hex", "jason", true)]
    [InlineData("pkg:cargo/b@3.0.11", "crates.io", "b", true)]
    [InlineData("pkg:npm/b@3.0.11", "PyPI", "b", false)]
    public async Task APackageIsFoundByEcosystemNameAndRelease(string purl, string ecosystem, string name, bool isFound)
    {
        Write("a.json", Record("A-1", ecosystem, name, """ "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.12"}]}] """));
        ContainerImageVulnerability? found = (await FindAsync(purl)).SingleOrDefault();
        Assert.Equal(isFound, found is not null);
        Assert.Equal(isFound ? "3.0.12" : null, found?.FixedVersion);
    }

    [Fact]
    public async Task AnUnknownEcosystemMatchesListedVersionsAlone()
    {
        Write("a.json", Record("A-1", "Hackage", "aeson", """ "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"versions":["1.0","1.2"] """));
        Write("b.json", Record("A-2", "Nowhere", "x", """ "versions":["1.2"] """).Replace("\"name\":\"x\"", "\"name\":\"x\",\"purl\":\"pkg:generic/x\"", StringComparison.Ordinal));
        Assert.Equal(["A-1", "A-2"], (await FindAsync("pkg:hackage/aeson@1.2", "pkg:hackage/aeson@1.3", "pkg:generic/x@1.2", "pkg:generic/x@1.3")).Select(static f => f.Id).Order());
    }

    [Fact]
    public async Task AListedVersionIsFound_InAnyOfItsSpellings()
    {
        Write("a.json", Record("A-1", "PyPI", "x", """ "versions":["1.0"],"ranges":[{"type":"GIT","repo":"r","events":[{"introduced":"0"}]}] """));
        Assert.Single(await FindAsync("pkg:pypi/x@1.0.0"));
        Assert.Empty(await FindAsync("pkg:pypi/x@1.0.1"));
    }

    [Fact]
    public async Task AWithdrawnRecordIsLeftOut()
    {
        Write("a.json", Record("A-1", "npm", "left", """ "versions":["1.0.0"] """, """ "withdrawn":"2024-01-01T00:00:00Z", """));
        Assert.Empty(await FindAsync("pkg:npm/left@1.0.0"));
    }

    [Theory]
    [InlineData("""{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}""", "LOW", VulnerabilitySeverity.Critical, 9.8)]
    [InlineData("""{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}""", "MODERATE", VulnerabilitySeverity.Medium, null)]
    [InlineData("""{"type":"Ubuntu","score":"low"}""", "", VulnerabilitySeverity.Low, null)]
    [InlineData("", "", VulnerabilitySeverity.Unknown, null)]
    public async Task ASeverityComesFromAScoreOrAWord(string severity, string word, VulnerabilitySeverity expected, double? score)
    {
        Write("a.json", Record("A-1", "npm", "left", """ "versions":["1.0.0"] """, $$""" "severity":[{{severity}}],"database_specific":{"severity":"{{word}}"}, """));
        ContainerImageVulnerability found = Assert.Single(await FindAsync("pkg:npm/left@1.0.0"));
        Assert.Equal((expected, score), (found.Severity, found.Score));
    }

    [Fact]
    public async Task AResultSaysWhatTheRecordSays()
    {
        Write("a.json", Record("A-1", "npm", "@scope/left", """ "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.5.0"},{"introduced":"2.0.0"},{"fixed":"2.1.0"}]}] """, """
             "aliases":["CVE-1"],"upstream":["CVE-2","CVE-1"],"summary":"Bad \u001b[31mthing","published":"2024-01-02T03:04:05Z",
             "references":[{"type":"WEB","url":"javascript:x"},{"type":"WEB","url":"https://web.test"},{"type":"ADVISORY","url":"https://advisory.test/1"}],
            """));
        ContainerImageVulnerability found = Assert.Single(await FindAsync("pkg:npm/%40scope/left@1.0.0"));
        Assert.Equal(("image", "linux/amd64", "@scope/left", "1.0.0", "1.5.0"), (found.Image, found.Platform, found.Package, found.Version, found.FixedVersion));
        Assert.Equal(["CVE-1", "CVE-2"], found.Aliases);
        Assert.Equal(("Bad thing", "https://advisory.test/1", 2024), (found.Summary, found.Url, found.Published!.Value.Year));
    }

    [Fact]
    public async Task PackagesOfOneUrlAndTwoVersionsAreBothFound()
    {
        Write("a.json", Record("A-1", "npm", "left", """ "versions":["1.0.0","1.1.0"] """));
        SoftwareBill bill = BillOf([.. new[] { "1.0.0", "1.1.0", "1.1.0", "1.2.0" }
            .Select(static v => $$"""{"name":"x","versionInfo":"{{v}}","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/left"}]}""")]);
        Assert.Equal(["1.0.0", "1.1.0"], (await OsvData.FindAsync([bill], [_folder], null, Cancellation)).Found.Select(static f => f.Version));
    }

    [Fact]
    public async Task LongTextsAreLeftOut_AndALongIdIsRefused()
    {
        string large = new('a', 100_000);
        Write("a.json", Record("A-1", "npm", "left", """ "versions":["1.0.0"] """, $$""" "aliases":["{{large}}","CVE-1"],"references":[{"type":"ADVISORY","url":"https://a.test/{{large}}"},{"type":"WEB","url":"https://b.test"}], """));
        ContainerImageVulnerability found = Assert.Single(await FindAsync("pkg:npm/left@1.0.0"));
        Assert.Equal(("https://b.test", 1), (found.Url, found.Aliases.Count));
        Write("a.json", Record(large, "npm", "left", """ "versions":["1.0.0"] """));
        await Assert.ThrowsAsync<VulnerabilityScanException>(() => FindAsync("pkg:npm/left@1.0.0"));
    }

    [Theory]
    [InlineData("bytes", 2_000, 100, 100, 100_000)]
    [InlineData("records", 100_000, 9, 100, 100_000)]
    [InlineData("vulnerabilities", 100_000, 100, 19, 100_000)]
    [InlineData("characters", 100_000, 100, 100, 500)]
    public async Task WhatIsReadAndKeptIsLimited(string what, long bytes, long records, int findings, long characters)
    {
        // Spaces between the records count, too.
        Write("a.json", string.Join(new string(' ', 100), Enumerable.Range(0, 10).Select(static i => Record($"A-{i}", "npm", "left", """ "versions":["1.0.0","1.1.0"] """))));
        SoftwareBill bill = Bill("pkg:npm/left@1.0.0", "pkg:npm/left@1.1.0");
        Assert.Equal(20, (await OsvData.FindAsync([bill], [_folder], OsvLimits.Default with { Findings = 20 }, null, Cancellation)).Found.Count);
        VulnerabilityScanException refused = await Assert.ThrowsAsync<VulnerabilityScanException>(() => OsvData.FindAsync([bill], [_folder], new OsvLimits(bytes, records, findings, characters), null, Cancellation));
        Assert.Contains("more than", refused.Message, StringComparison.Ordinal);
        Assert.Contains(what, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PackagesThatNoRecordCanBeAboutAreListed()
    {
        Write("a.json", Record("A-1", "npm", "other", """ "versions":["1.0.0"] """));
        Write("b.json", Record("A-2", "Debian:12", "other", """ "versions":["1.0.0"] """));
        Write("c.json", Record("A-3", "Nowhere", "x", """ "versions":["1.2"] """).Replace("\"name\":\"x\"", "\"name\":\"x\",\"purl\":\"pkg:conda/x\"", StringComparison.Ordinal));
        SoftwareBill bill = Bill(
            "pkg:npm/left@1", "pkg:deb/debian/a@1?distro=debian-12", "pkg:deb/debian/a@1", "pkg:deb/debian/a@1?distro=debian-13", "pkg:deb/debian/b@1?distro=debian-13",
            "pkg:apk/alpine/a@1?distro=alpine-3.20", "pkg:pypi/a@1", "pkg:rpm/fedora/a@1", "pkg:generic/a@1", "pkg:conda/x@1", "pkg:oci/image@1");
        OsvResult result = await OsvData.FindAsync([bill, bill], [_folder], null, Cancellation);
        Assert.Equal(
            [("Alpine 3.20", 1, true), ("Debian 13", 2, true), ("PyPI", 1, true), ("generic", 1, false), ("rpm/fedora", 1, false)],
            result.Unchecked.Select(static u => (u.Kind, u.Count, u.HasEcosystem)));
        Assert.Equal("Debian 13 (2)", result.Unchecked[1].ToString());
    }

    [Fact]
    public async Task DirectoriesZipsArraysAndLinesAreRead()
    {
        string[] records = [.. Enumerable.Range(0, 5).Select(static i => Record($"A-{i}", "npm", "left", """ "versions":["1.0.0"] """))];
        Write("one/a.json", records[0]);
        Write("list.json", $"\uFEFF[{records[1]}, {records[2]}]");
        Write("lines.json", $"{records[3]}\n{records[3]}\n");
        Write(".git/config.json", "no data");
        Write("readme.txt", "no data");
        using (ZipArchive zip = await ZipFile.OpenAsync(Path.Combine(_folder, "all.zip"), ZipArchiveMode.Create, Cancellation))
        {
            foreach ((string name, CompressionLevel level) in new[] { ("GHSA/x.json", CompressionLevel.Optimal), ("stored.json", CompressionLevel.NoCompression), ("notes.txt", CompressionLevel.Optimal) })
            {
                await using Stream entry = await zip.CreateEntry(name, level).OpenAsync(Cancellation);
                await entry.WriteAsync(Encoding.UTF8.GetBytes(name.EndsWith(".json", StringComparison.Ordinal) ? records[4].Replace("A-4", name, StringComparison.Ordinal) : "no data"), Cancellation);
            }
        }

        Assert.Equal(["A-0", "A-1", "A-2", "A-3", "GHSA/x.json", "stored.json"], (await FindAsync("pkg:npm/left@1.0.0")).Select(static f => f.Id));
    }

    [Theory]
    [InlineData("empty.json", "")]
    [InlineData("text.json", "hello")]
    [InlineData("cut.json", "{\"id\":\"A-1\"")]
    [InlineData("open.json", "[{\"id\":\"A-1\",\"modified\":\"x\"}")]
    [InlineData("other.json", "{\"name\":\"package\"}")]
    [InlineData("inner.json", "{\"id\":\"A-1\",}")]
    [InlineData("after.json", "[] x")]
    [InlineData("false.zip", "PK\u0003\u0004 not a zip")]
    [InlineData("end.zip", "PK\u0005\u0006")]
    public async Task DamagedDataIsRefusedByItsPath(string name, string content)
    {
        Write(name, content);
        VulnerabilityScanException refused = await Assert.ThrowsAsync<VulnerabilityScanException>(() => FindAsync("pkg:npm/left@1.0.0"));
        Assert.Equal(VulnerabilityScanFailure.InvalidData, refused.Failure);
        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFolderWithoutDataAndADeepOneAreRefused()
    {
        await Assert.ThrowsAsync<VulnerabilityScanException>(() => FindAsync("pkg:npm/left@1.0.0"));
        Write(string.Join('/', Enumerable.Repeat("a", 30)) + "/a.json", Record("A-1", "npm", "left", """ "versions":["1.0.0"] """));
        await Assert.ThrowsAsync<VulnerabilityScanException>(() => FindAsync("pkg:npm/left@1.0.0"));
    }

    [Fact]
    public async Task ARecordOfAnySizeIsRefused_WithoutBeingHeld()
    {
        string path = Path.Combine(_folder, "bomb.zip");
        using (ZipArchive zip = await ZipFile.OpenAsync(path, ZipArchiveMode.Create, Cancellation))
        {
            await using Stream entry = await zip.CreateEntry("a.json", CompressionLevel.Fastest).OpenAsync(Cancellation);
            await entry.WriteAsync("{\"id\":\""u8.ToArray(), Cancellation);
            byte[] block = new byte[1 << 20];
            for (int i = 0; i < 64; i++)
            {
                await entry.WriteAsync(block, Cancellation);
            }
        }

        VulnerabilityScanException refused = await Assert.ThrowsAsync<VulnerabilityScanException>(() => FindAsync("pkg:npm/left@1.0.0"));
        Assert.Contains("larger than", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RecordsAreFoundWhereverTheBufferEnds()
    {
        byte[] text = Encoding.UTF8.GetBytes("""[{"a":"}\\\"{"},{"b":[{"c":"é"}]}]""");
        for (int cut = 1; cut < text.Length; cut++)
        {
            JsonRecordScanner scanner = new(static why => new InvalidOperationException(why));
            int at = 0;
            int found = 0;
            while (scanner.Next(text.AsSpan(0, cut), ref at, out _))
            {
                found++;
            }

            while (scanner.Next(text, ref at, out _))
            {
                found++;
            }

            scanner.End();
            Assert.Equal((2, text.Length), (found, at));
        }
    }

    private static string Record(string id, string ecosystem, string name, string affected, string more = "") =>
        $$"""{"id":"{{id}}","modified":"2024-01-01T00:00:00Z",{{more}}"affected":[{"package":{"ecosystem":"{{ecosystem}}","name":"{{name}}"},{{affected}}}]}""";

    private void Write(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }

    private static SoftwareBill Bill(params string[] purls) => BillOf([.. purls.Select(static p => $$"""{"name":"x","externalRefs":[{"referenceType":"purl","referenceLocator":"{{p}}"}]}""")]);

    private static SoftwareBill BillOf(params string[] packages) =>
        SbomReader.Read(Encoding.UTF8.GetBytes($$"""{"spdxVersion":"SPDX-2.3","packages":[{{string.Join(',', packages)}}]}"""), "image", "linux/amd64");

    private async Task<IReadOnlyList<ContainerImageVulnerability>> FindAsync(params string[] purls) =>
        (await OsvData.FindAsync([Bill(purls)], [_folder], null, Cancellation)).Found;
}
