using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Vulnerabilities;

/// <summary>Reads the packages of an SBOM, alone or as the predicate of an in-toto statement. All of it is untrusted.</summary>
/// <remarks>
/// SPDX 2.3, "Package information" and "External reference" (spdx.github.io); CycloneDX 1.6, "components" (cyclonedx.org); the properties of
/// aquasecurity/trivy (pkg/sbom/core/bom.go: SrcName, SrcVersion, SrcRelease, SrcEpoch).
/// </remarks>
internal static class SbomReader
{
    private const int MostPackages = 200_000;
    private const string BuiltFrom = "built package from: ";
    private const string TrivySource = "aquasecurity:trivy:Src";

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <exception cref="VulnerabilityScanException">It is not a valid SBOM.</exception>
    public static SoftwareBill Read(ReadOnlyMemory<byte> json, string image, string platform)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json.Span.StartsWith("\uFEFF"u8) ? json[3..] : json, Options);
            JsonElement root = document.RootElement;
            JsonElement bill = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("predicate", out JsonElement predicate) ? predicate : root;
            if (bill.ValueKind != JsonValueKind.Object || (LenientJson.Text(bill, "spdxVersion").Length == 0 && LenientJson.Text(bill, "bomFormat").Length == 0))
            {
                throw Invalid(image, "it is neither an SPDX nor a CycloneDX document in JSON");
            }

            List<JsonElement> listed = [.. LenientJson.Items(bill, "packages"), .. Components(bill, image)];
            if (listed.Count > MostPackages)
            {
                throw Invalid(image, $"it lists more than {MostPackages} packages");
            }

            string? release = listed.Where(static p => LenientJson.Text(p, "primaryPackagePurpose") == "OPERATING-SYSTEM" || LenientJson.Text(p, "type") == "operating-system")
                .Select(static p => DistributionRelease.Of(VersionOf(p))).FirstOrDefault();
            List<SoftwarePackage> packages = [];
            int unidentified = 0;
            foreach (JsonElement item in listed)
            {
                if (PackageOf(item, release) is { } package)
                {
                    packages.Add(package);
                }
                else
                {
                    unidentified++;
                }
            }

            return new SoftwareBill(image, platform, packages, unidentified);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Invalid UTF-8 and unpaired surrogates show only when a string is requested.
            throw Invalid(image, $"it is not valid JSON: {exception.Message.TrimEnd('.')}", exception);
        }
    }

    // Components may contain components. The depth of the document bounds this.
    private static IEnumerable<JsonElement> Components(JsonElement parent, string image)
    {
        int seen = 0;
        Stack<JsonElement> open = new([parent]);
        while (open.TryPop(out JsonElement at))
        {
            foreach (JsonElement component in LenientJson.Items(at, "components"))
            {
                if (++seen > MostPackages)
                {
                    throw Invalid(image, $"it lists more than {MostPackages} packages");
                }

                open.Push(component);
                yield return component;
            }
        }
    }

    private static SoftwarePackage? PackageOf(JsonElement item, string? release)
    {
        string text = PurlOf(item);
        if (text.Length == 0 || !PackageUrl.TryParse(text, out PackageUrl? purl))
        {
            return null;
        }

        string version = purl.Version.Length > 0 ? purl.Version : VersionOf(item);
        if (version.Length == 0)
        {
            return null;
        }

        string epoch = purl.Qualifiers.GetValueOrDefault("epoch", string.Empty);
        version = WithEpoch(version, epoch, purl.Type);
        (string sourceName, string sourceVersion) = SourceOf(item, purl, version, epoch);
        return new SoftwarePackage(text, purl, version, sourceName, sourceVersion, DistributionRelease.Of(purl.Qualifiers.GetValueOrDefault("distro")) ?? release);
    }

    private static string PurlOf(JsonElement item) => LenientJson.Text(item, "purl") is { Length: > 0 } direct
        ? direct
        : LenientJson.Items(item, "externalRefs").Where(static r => LenientJson.Text(r, "referenceType") == "purl").Select(static r => LenientJson.Text(r, "referenceLocator")).FirstOrDefault(string.Empty);

    private static string VersionOf(JsonElement item) => LenientJson.Text(item, "versionInfo") is { Length: > 0 } version ? version : LenientJson.Text(item, "version");

    private static string WithEpoch(string version, string epoch, string type) =>
        type is "deb" or "rpm" && epoch.Length > 0 && epoch != "0" && !version.Contains(':', StringComparison.Ordinal) ? $"{epoch}:{version}" : version;

    // Syft has a qualifier (glibc, glibc@2.36, or the file name of a source RPM); trivy has a sentence in SPDX and properties in CycloneDX.
    private static (string Name, string Version) SourceOf(JsonElement item, PackageUrl purl, string version, string epoch)
    {
        string source = purl.Qualifiers.GetValueOrDefault("upstream", string.Empty);
        if (source.EndsWith(".src.rpm", StringComparison.Ordinal))
        {
            string[] parts = source[..^".src.rpm".Length].Split('-');
            return parts.Length > 2
                ? (string.Join('-', parts[..^2]), WithEpoch($"{parts[^2]}-{parts[^1]}", epoch, purl.Type))
                : (purl.Name, version);
        }

        if (source.Length > 0)
        {
            int at = source.IndexOf('@', StringComparison.Ordinal);
            return at > 0 ? (source[..at], source[(at + 1)..]) : (source, version);
        }

        string said = LenientJson.Text(item, "sourceInfo");
        if (said.StartsWith(BuiltFrom, StringComparison.Ordinal) && said[BuiltFrom.Length..].Split(' ') is [{ Length: > 0 } name, { Length: > 0 } built])
        {
            return (name, WithEpoch(built, epoch, purl.Type));
        }

        return SourceOfProperties(item) ?? (purl.Name, version);

        (string, string)? SourceOfProperties(JsonElement component)
        {
            Dictionary<string, string> properties = new(StringComparer.Ordinal);
            foreach (JsonElement property in LenientJson.Items(component, "properties").Where(static p => LenientJson.Text(p, "name").StartsWith(TrivySource, StringComparison.Ordinal)))
            {
                _ = properties.TryAdd(LenientJson.Text(property, "name")[TrivySource.Length..], LenientJson.Text(property, "value"));
            }

            if (properties.GetValueOrDefault("Name", string.Empty) is not { Length: > 0 } name)
            {
                return null;
            }

            string built = properties.GetValueOrDefault("Version", string.Empty);
            string release = properties.GetValueOrDefault("Release", string.Empty);
            string whole = release.Length > 0 ? $"{built}-{release}" : built;
            return (name, built.Length == 0 ? version : WithEpoch(whole, properties.GetValueOrDefault("Epoch", string.Empty), purl.Type));
        }
    }

    private static VulnerabilityScanException Invalid(string image, string why, Exception? cause = null) =>
        new(VulnerabilityScanFailure.InvalidSbom, $"The SBOM of '{image}' cannot be used: {why}.", cause);
}
