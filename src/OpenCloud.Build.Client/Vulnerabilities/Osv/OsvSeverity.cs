using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>Reads the severity of a record for one of its packages.</summary>
/// <remarks>ossf.github.io/osv-schema, "severity[] field" and "affected[].severity[]"; words are those of the databases.</remarks>
internal static class OsvSeverity
{
    /// <summary>The severity. A score of the package comes before one of the record, a score before a word.</summary>
    public static (VulnerabilitySeverity Severity, double? Score) Of(JsonElement record, JsonElement affected)
    {
        foreach (JsonElement parent in new[] { affected, record })
        {
            double? best = null;
            foreach (JsonElement severity in LenientJson.Items(parent, "severity"))
            {
                double? score = LenientJson.Text(severity, "type") is "CVSS_V2" or "CVSS_V3" ? CvssScore.Of(LenientJson.Text(severity, "score")) : null;
                best = score > (best ?? -1) ? score : best;
            }

            if (best is { } known)
            {
                return (Severities.Of(known), known);
            }
        }

        foreach (JsonElement parent in new[] { affected, record })
        {
            IEnumerable<string> words = LenientJson.Items(parent, "severity").Select(static s => LenientJson.Text(s, "score"))
                .Append(LenientJson.Text(LenientJson.Object(parent, "ecosystem_specific"), "severity"))
                .Append(LenientJson.Text(LenientJson.Object(parent, "database_specific"), "severity"))
                .Append(LenientJson.Text(LenientJson.Object(parent, "ecosystem_specific"), "urgency"));
            VulnerabilitySeverity said = words.Select(Severities.Of).FirstOrDefault(static s => s != VulnerabilitySeverity.Unknown);
            if (said != VulnerabilitySeverity.Unknown)
            {
                return (said, null);
            }
        }

        return (VulnerabilitySeverity.Unknown, null);
    }
}
