namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>Which ecosystems the data has records for, and which packages are in none of them.</summary>
internal sealed class OsvCoverage
{
    // Those of Red Hat are the products and their repositories: some thousands. With more, no package is reported.
    private const int MostEcosystems = 100_000;
    private const int LongestEcosystem = 256;

    // They name the image itself.
    private static readonly HashSet<string> Images = new(StringComparer.Ordinal) { "docker", "oci" };

    private readonly Dictionary<string, HashSet<string>> _suffixes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _types = new(StringComparer.Ordinal);

    private string _last = string.Empty;
    private int _count;

    /// <summary>A record is about a package of an ecosystem: <c>Debian:12</c>, which is <c>Debian</c> and <c>12</c>.</summary>
    public void Add(string stated, string ecosystem, string suffix)
    {
        if (stated == _last || stated.Length > LongestEcosystem || _count > MostEcosystems)
        {
            return;
        }

        _last = stated;
        if (!_suffixes.TryGetValue(ecosystem, out HashSet<string>? suffixes))
        {
            _suffixes[ecosystem] = suffixes = new(StringComparer.Ordinal);
        }

        _count += suffixes.Add(suffix) ? 1 : 0;
    }

    /// <summary>A record is about a package of an SBOM that has no ecosystem.</summary>
    public void Add(PackageUrl url) => _types.Add(TypeOf(url));

    /// <summary>The packages that no record can be about.</summary>
    public IReadOnlyList<UncheckedPackages> Missing(IReadOnlyList<SoftwareBill> bills) =>
        _count > MostEcosystems ? [] : [.. bills.SelectMany(Missing).GroupBy(static u => (u.Image, u.Kind)).Select(static g => g.First() with { Count = g.Max(static u => u.Count) })];

    private IEnumerable<UncheckedPackages> Missing(SoftwareBill bill)
    {
        IEnumerable<IGrouping<(string Kind, bool HasEcosystem), SoftwarePackage>> groups = bill.Packages.Where(static p => !Images.Contains(p.Url.Type)).GroupBy(KindOf);
        foreach (IGrouping<(string Kind, bool HasEcosystem), SoftwarePackage> group in groups.OrderBy(static g => g.Key.Kind, StringComparer.Ordinal))
        {
            if (!Includes(group.First()))
            {
                yield return new UncheckedPackages { Image = bill.Image, Kind = group.Key.Kind, Count = group.Count(), HasEcosystem = group.Key.HasEcosystem };
            }
        }
    }

    private static (string Kind, bool HasEcosystem) KindOf(SoftwarePackage package) =>
        Ecosystems.Of(package.Url) is not { } ecosystem ? (TypeOf(package.Url), false)
        : DistributionRelease.IsDistribution(package.Url.Type) && package.Release is { } release ? ($"{ecosystem} {release}", true)
        : (ecosystem, true);

    private static string TypeOf(PackageUrl url) => DistributionRelease.IsDistribution(url.Type) ? $"{url.Type}/{url.Namespace}" : url.Type;

    // A distribution's packages without a release are not in any record for a single release: the SBOM is at fault, not the data.
    private bool Includes(SoftwarePackage package) =>
        Ecosystems.Of(package.Url) is not { } ecosystem ? _types.Contains(TypeOf(package.Url))
        : _suffixes.TryGetValue(ecosystem, out HashSet<string>? suffixes)
            && (!DistributionRelease.IsDistribution(package.Url.Type) || package.Release is null || suffixes.Any(s => Ecosystems.Includes(ecosystem, s, package)));
}
