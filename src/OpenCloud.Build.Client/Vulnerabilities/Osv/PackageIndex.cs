namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>A package of a bill under one of its names.</summary>
/// <param name="Bill">The bill.</param>
/// <param name="Package">The package.</param>
/// <param name="Name">The name of the package itself.</param>
/// <param name="Version">The version of the package, or of its source package when the name in the index is that.</param>
internal sealed record IndexedPackage(SoftwareBill Bill, SoftwarePackage Package, string Name, string Version);

/// <summary>The packages of all bills by what OSV names: ecosystem and name, or the package URL without version.</summary>
internal sealed class PackageIndex
{
    private readonly Dictionary<(string Ecosystem, string Name), List<IndexedPackage>> _byName = [];
    private readonly Dictionary<string, List<IndexedPackage>> _byPurl = new(StringComparer.Ordinal);

    public PackageIndex(IEnumerable<SoftwareBill> bills)
    {
        foreach (SoftwareBill bill in bills)
        {
            foreach (SoftwarePackage package in bill.Packages)
            {
                Add(bill, package);
            }
        }
    }

    /// <summary>The packages that an entry of a record may mean. The coverage gets those that only their package URLs identify.</summary>
    public IReadOnlyList<IndexedPackage> Find(string ecosystem, string name, string purl, OsvCoverage coverage)
    {
        if (_byName.TryGetValue((ecosystem, Ecosystems.Normalize(ecosystem, name)), out List<IndexedPackage>? named))
        {
            return named;
        }

        if (_byPurl.Count == 0 || purl.Length == 0 || !PackageUrl.TryParse(purl, out PackageUrl? url) || !_byPurl.TryGetValue(KeyOf(url), out List<IndexedPackage>? same))
        {
            return [];
        }

        coverage.Add(url);
        return same;
    }

    private void Add(SoftwareBill bill, SoftwarePackage package)
    {
        IReadOnlyList<string> names = Ecosystems.NamesOf(package.Url);
        if (Ecosystems.Of(package.Url) is not { } ecosystem)
        {
            Add(_byPurl, KeyOf(package.Url), new IndexedPackage(bill, package, names[0], package.Version));
            return;
        }

        foreach (string name in names)
        {
            Add(_byName, (ecosystem, Ecosystems.Normalize(ecosystem, name)), new IndexedPackage(bill, package, name, package.Version));
        }

        if (package.SourceName != package.Url.Name)
        {
            Add(_byName, (ecosystem, package.SourceName), new IndexedPackage(bill, package, names[0], package.SourceVersion));
        }
    }

    private static string KeyOf(PackageUrl purl) => $"{purl.Type}/{purl.FullName}";

    private static void Add<T>(Dictionary<T, List<IndexedPackage>> map, T key, IndexedPackage package)
        where T : notnull
    {
        if (!map.TryGetValue(key, out List<IndexedPackage>? list))
        {
            map[key] = list = [];
        }

        list.Add(package);
    }
}
