using System.Text.Json;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Vulnerabilities.Versions;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>Matches packages with records in the form of OSV.</summary>
/// <remarks>ossf.github.io/osv-schema 1.7.4.</remarks>
internal sealed class OsvMatcher(PackageIndex index, OsvLimits limits)
{
    // A suffix may have the address of a repository.
    private const int LongestEcosystem = 4096;

    private readonly List<(SoftwareBill Bill, ContainerImageVulnerability Vulnerability)> _found = [];
    private readonly HashSet<(SoftwareBill Bill, string Purl, string Version, string Id)> _seen = [];

    private long _characters;

    /// <summary>What was found so far.</summary>
    public IReadOnlyList<(SoftwareBill Bill, ContainerImageVulnerability Vulnerability)> Found => _found;

    /// <summary>The ecosystems of the records so far.</summary>
    public OsvCoverage Coverage { get; } = new();

    /// <summary>Matches one record.</summary>
    /// <exception cref="VulnerabilityScanException">The record is not in the form of OSV, or too many were found.</exception>
    public void Match(JsonElement record, string source, CancellationToken cancellationToken)
    {
        string id = LenientJson.Text(record, "id");
        if (id.Length is 0 or > OsvRecord.LongestId || LenientJson.Text(record, "modified").Length == 0)
        {
            throw new VulnerabilityScanException(
                VulnerabilityScanFailure.InvalidData, $"'{source}' has a record that is not in the form of OSV: 'id' or 'modified' is missing, or the id has more than {OsvRecord.LongestId} characters.");
        }

        if (record.TryGetProperty("withdrawn", out JsonElement withdrawn) && withdrawn.ValueKind != JsonValueKind.Null)
        {
            return;
        }

        OsvRecord? read = null;
        foreach (JsonElement affected in LenientJson.Items(record, "affected"))
        {
            cancellationToken.ThrowIfCancellationRequested();
            JsonElement package = LenientJson.Object(affected, "package");
            string stated = LenientJson.Text(package, "ecosystem");
            if (stated.Length > LongestEcosystem)
            {
                continue;
            }

            int colon = stated.IndexOf(':', StringComparison.Ordinal);
            string ecosystem = colon < 0 ? stated : stated[..colon];
            string suffix = colon < 0 ? string.Empty : stated[(colon + 1)..];
            Coverage.Add(stated, ecosystem, suffix);
            IReadOnlyList<IndexedPackage> candidates = index.Find(ecosystem, LenientJson.Text(package, "name"), LenientJson.Text(package, "purl"), Coverage);
            if (candidates.Count == 0)
            {
                continue;
            }

            List<OsvRange> ranges = [.. LenientJson.Items(affected, "ranges").Select(r => OsvRange.Of(r, ecosystem)).OfType<OsvRange>()];
            foreach (IndexedPackage candidate in candidates.Where(c => Ecosystems.Includes(ecosystem, suffix, c.Package)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if ((ranges.Exists(r => r.Includes(candidate.Version)) || IsListed(affected, ecosystem, candidate.Version))
                    && _seen.Add((candidate.Bill, candidate.Package.Purl, candidate.Package.Version, id)))
                {
                    if (read is null)
                    {
                        read = OsvRecord.Of(record, id);
                        Count(read.Characters);
                    }

                    Add(candidate, read, stated, ranges, OsvSeverity.Of(record, affected));
                }
            }
        }
    }

    private static bool IsListed(JsonElement affected, string ecosystem, string version)
    {
        VersionOrder? order = VersionOrders.Of(ecosystem);
        return LenientJson.Texts(affected, "versions").Any(listed => listed == version || order?.Invoke(listed, version) == 0);
    }

    private void Add(IndexedPackage candidate, OsvRecord record, string ecosystem, List<OsvRange> ranges, (VulnerabilitySeverity Severity, double? Score) severity)
    {
        string? fixedVersion = null;
        foreach (OsvRange range in ranges)
        {
            fixedVersion = range.Earlier(fixedVersion, range.FixedAfter(candidate.Version));
        }

        // The texts of the record are shared by its results.
        Count(ecosystem.Length + (fixedVersion?.Length ?? 0) + candidate.Name.Length + candidate.Package.Version.Length + candidate.Package.Purl.Length);
        if (_found.Count >= limits.Findings)
        {
            throw TooMany($"more than {limits.Findings} vulnerabilities were found");
        }

        _found.Add((candidate.Bill, new ContainerImageVulnerability
        {
            Image = candidate.Bill.Image,
            Platform = candidate.Bill.Platform,
            Package = candidate.Name,
            Version = candidate.Package.Version,
            Id = record.Id,
            Aliases = record.Aliases,
            Severity = severity.Severity,
            Score = severity.Score,
            FixedVersion = fixedVersion,
            Ecosystem = ecosystem,
            Purl = candidate.Package.Purl,
            Summary = record.Summary,
            Url = record.Url,
            Published = record.Published,
        }));
    }

    private void Count(int characters)
    {
        _characters += characters;
        if (_characters > limits.Characters)
        {
            throw TooMany($"the results have more than {limits.Characters} characters");
        }
    }

    private static VulnerabilityScanException TooMany(string why) => new(VulnerabilityScanFailure.InvalidData, $"The vulnerability data cannot be used: {why}.");
}
