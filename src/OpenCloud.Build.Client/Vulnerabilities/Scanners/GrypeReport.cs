using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Vulnerabilities.Scanners;

/// <summary>Reads the JSON report of grype.</summary>
/// <remarks>anchore/grype: grype/presenter/models (document.go, match.go, vulnerability.go, vulnerability_metadata.go, package.go).</remarks>
internal static class GrypeReport
{
    public static IReadOnlyList<ContainerImageVulnerability> Read(JsonElement report, string image, string platform)
    {
        List<ContainerImageVulnerability> found = [];
        foreach (JsonElement match in LenientJson.Items(report, "matches"))
        {
            JsonElement vulnerability = LenientJson.Object(match, "vulnerability");
            JsonElement artifact = LenientJson.Object(match, "artifact");
            string id = LenientJson.Text(vulnerability, "id");
            List<JsonElement> related = [.. LenientJson.Items(match, "relatedVulnerabilities")];
            found.Add(new ContainerImageVulnerability
            {
                Image = image,
                Platform = platform,
                Package = LenientJson.Text(artifact, "name"),
                Version = LenientJson.Text(artifact, "version"),
                Id = id,
                Aliases = [.. related.Select(static r => LenientJson.Text(r, "id")).Where(r => r.Length > 0 && r != id).Distinct(StringComparer.Ordinal)],
                Severity = Severities.Of(LenientJson.Text(vulnerability, "severity")),
                Score = related.Prepend(vulnerability).Select(ScoreOf).FirstOrDefault(static s => s is not null),
                FixedVersion = LenientJson.Texts(LenientJson.Object(vulnerability, "fix"), "versions").FirstOrDefault(),
                Ecosystem = LenientJson.Text(artifact, "type"),
                Purl = LenientJson.Text(artifact, "purl"),
                Summary = LenientJson.Line(related.Prepend(vulnerability).Select(static v => LenientJson.Text(v, "description")).FirstOrDefault(static d => d.Length > 0) ?? string.Empty),
                Url = LenientJson.TextOrNull(vulnerability, "dataSource"),
            });
        }

        return found;
    }

    private static double? ScoreOf(JsonElement vulnerability) =>
        LenientJson.Items(vulnerability, "cvss").Select(static c => LenientJson.Number(LenientJson.Object(c, "metrics"), "baseScore")).Max();
}
