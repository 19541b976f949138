using System.Text.Json;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Vulnerabilities.Versions;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>Matches packages with records in the form of OSV.</summary>
/// <remarks>ossf.github.io/osv-schema 1.7.4.</remarks>
internal sealed class OsvMatcher(PackageIndex index)
{
    private const int MostFindings = 1_000_000;
    private const int MostAliases = 100;

    private readonly List<(SoftwareBill Bill, ContainerImageVulnerability Vulnerability)> _found = [];
    private readonly HashSet<(SoftwareBill Bill, string Purl, string Id)> _seen = [];

    /// <summary>What was found so far.</summary>
    public IReadOnlyList<(SoftwareBill Bill, ContainerImageVulnerability Vulnerability)> Found => _found;

    /// <summary>Matches one record.</summary>
    /// <exception cref="VulnerabilityScanException">The record is not in the form of OSV, or too many were found.</exception>
    public void Match(JsonElement record, string source)
    {
        string id = LenientJson.Text(record, "id");
        if (id.Length == 0 || LenientJson.Text(record, "modified").Length == 0)
        {
            throw new VulnerabilityScanException(VulnerabilityScanFailure.InvalidData, $"'{source}' has a record that is not in the form of OSV: 'id' or 'modified' is missing.");
        }

        if (record.TryGetProperty("withdrawn", out JsonElement withdrawn) && withdrawn.ValueKind != JsonValueKind.Null)
        {
            return;
        }

        foreach (JsonElement affected in LenientJson.Items(record, "affected"))
        {
            JsonElement package = LenientJson.Object(affected, "package");
            string stated = LenientJson.Text(package, "ecosystem");
            int colon = stated.IndexOf(':', StringComparison.Ordinal);
            string ecosystem = colon < 0 ? stated : stated[..colon];
            string suffix = colon < 0 ? string.Empty : stated[(colon + 1)..];
            IReadOnlyList<IndexedPackage> candidates = index.Find(ecosystem, LenientJson.Text(package, "name"), LenientJson.Text(package, "purl"));
            if (candidates.Count == 0)
            {
                continue;
            }

            List<OsvRange> ranges = [.. LenientJson.Items(affected, "ranges").Select(r => OsvRange.Of(r, ecosystem)).OfType<OsvRange>()];
            foreach (IndexedPackage candidate in candidates.Where(c => Ecosystems.Includes(ecosystem, suffix, c.Package)))
            {
                if ((ranges.Exists(r => r.Includes(candidate.Version)) || IsListed(affected, ecosystem, candidate.Version)) && _seen.Add((candidate.Bill, candidate.Package.Purl, id)))
                {
                    Add(candidate, record, affected, stated, ranges);
                }
            }
        }
    }

    private static bool IsListed(JsonElement affected, string ecosystem, string version)
    {
        VersionOrder? order = VersionOrders.Of(ecosystem);
        return LenientJson.Texts(affected, "versions").Any(listed => listed == version || order?.Invoke(listed, version) == 0);
    }

    private void Add(IndexedPackage candidate, JsonElement record, JsonElement affected, string ecosystem, List<OsvRange> ranges)
    {
        if (_found.Count >= MostFindings)
        {
            throw new VulnerabilityScanException(VulnerabilityScanFailure.InvalidData, $"More than {MostFindings} vulnerabilities were found.");
        }

        string? fixedVersion = null;
        foreach (OsvRange range in ranges)
        {
            fixedVersion = range.Earlier(fixedVersion, range.FixedAfter(candidate.Version));
        }

        (VulnerabilitySeverity severity, double? score) = SeverityOf(record, affected);
        _found.Add((candidate.Bill, new ContainerImageVulnerability
        {
            Image = candidate.Bill.Image,
            Platform = candidate.Bill.Platform,
            Package = candidate.Name,
            Version = candidate.Package.Version,
            Id = LenientJson.Text(record, "id"),
            Aliases = [.. LenientJson.Texts(record, "aliases").Concat(LenientJson.Texts(record, "upstream")).Distinct(StringComparer.Ordinal).Take(MostAliases)],
            Severity = severity,
            Score = score,
            FixedVersion = fixedVersion,
            Ecosystem = ecosystem,
            Purl = candidate.Package.Purl,
            Summary = LenientJson.Line(LenientJson.TextOrNull(record, "summary") ?? LenientJson.Text(record, "details")),
            Url = UrlOf(record),
            Published = LenientJson.Time(record, "published"),
        }));
    }

    // A score of the package comes before one of the record, a score before a word.
    private static (VulnerabilitySeverity Severity, double? Score) SeverityOf(JsonElement record, JsonElement affected)
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

    private static string? UrlOf(JsonElement record)
    {
        List<(string Type, string Url)> references =
        [
            .. LenientJson.Items(record, "references").Select(static r => (LenientJson.Text(r, "type"), LenientJson.Text(r, "url")))
                .Where(static r => Uri.TryCreate(r.Item2, UriKind.Absolute, out Uri? uri) && (uri.Scheme is "https" or "http")),
        ];
        return references.Find(static r => r.Type == "ADVISORY").Url ?? references.FirstOrDefault().Url;
    }
}
