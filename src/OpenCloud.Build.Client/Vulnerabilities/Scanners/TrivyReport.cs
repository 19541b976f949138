using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Vulnerabilities.Scanners;

/// <summary>Reads the JSON report of trivy.</summary>
/// <remarks>aquasecurity/trivy: pkg/types/report.go and vulnerability.go; aquasecurity/trivy-db, pkg/types/types.go (CVSS by source).</remarks>
internal static class TrivyReport
{
    public static IReadOnlyList<ContainerImageVulnerability> Read(JsonElement report, string image, string platform)
    {
        List<ContainerImageVulnerability> found = [];
        foreach (JsonElement result in LenientJson.Items(report, "Results"))
        {
            foreach (JsonElement item in LenientJson.Items(result, "Vulnerabilities"))
            {
                found.Add(new ContainerImageVulnerability
                {
                    Image = image,
                    Platform = platform,
                    Package = LenientJson.Text(item, "PkgName"),
                    Version = LenientJson.Text(item, "InstalledVersion"),
                    Id = LenientJson.Text(item, "VulnerabilityID"),
                    Aliases = [.. LenientJson.Texts(item, "VendorIDs")],
                    Severity = Severities.Of(LenientJson.Text(item, "Severity")),
                    Score = ScoreOf(item),
                    FixedVersion = LenientJson.TextOrNull(item, "FixedVersion"),
                    Ecosystem = LenientJson.Text(result, "Type"),
                    Purl = LenientJson.Text(LenientJson.Object(item, "PkgIdentifier"), "PURL"),
                    Summary = LenientJson.Line(LenientJson.TextOrNull(item, "Title") ?? LenientJson.Text(item, "Description")),
                    Url = LenientJson.TextOrNull(item, "PrimaryURL"),
                    Published = LenientJson.Time(item, "PublishedDate"),
                });
            }
        }

        return found;
    }

    // The source of the severity comes first.
    private static double? ScoreOf(JsonElement item)
    {
        JsonElement scores = LenientJson.Object(item, "CVSS");
        double? preferred = ScoreFrom(LenientJson.Object(scores, LenientJson.Text(item, "SeveritySource")));
        return preferred ?? (scores.ValueKind == JsonValueKind.Object ? scores.EnumerateObject().Select(static s => ScoreFrom(s.Value)).Max() : null);
    }

    private static double? ScoreFrom(JsonElement source) => LenientJson.Number(source, "V3Score") ?? LenientJson.Number(source, "V2Score");
}
