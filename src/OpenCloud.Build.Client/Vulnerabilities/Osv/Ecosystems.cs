using System.Text;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>How package URLs name what OSV names by ecosystem, package and release.</summary>
/// <remarks>ossf.github.io/osv-schema, "Defined ecosystems"; the types of github.com/package-url/purl-spec.</remarks>
internal static class Ecosystems
{
    private static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        ["bitnami"] = "Bitnami",
        ["cargo"] = "crates.io",
        ["composer"] = "Packagist",
        ["conan"] = "ConanCenter",
        ["cran"] = "CRAN",
        ["gem"] = "RubyGems",
        ["githubactions"] = "GitHub Actions",
        ["golang"] = "Go",
        ["hackage"] = "Hackage",
        ["hex"] = "Hex",
        ["julia"] = "Julia",
        ["maven"] = "Maven",
        ["npm"] = "npm",
        ["nuget"] = "NuGet",
        ["opam"] = "opam",
        ["pub"] = "Pub",
        ["pypi"] = "PyPI",
        ["swift"] = "SwiftURL",
    };

    // The names of os-release, which syft takes over, and those of trivy (pkg/purl/purl.go).
    private static readonly Dictionary<string, string> Distributions = new(StringComparer.Ordinal)
    {
        ["deb/debian"] = "Debian",
        ["deb/ubuntu"] = "Ubuntu",
        ["apk/alpine"] = "Alpine",
        ["apk/alpaquita"] = "Alpaquita",
        ["apk/chainguard"] = "Chainguard",
        ["apk/minimos"] = "MinimOS",
        ["apk/wolfi"] = "Wolfi",
        ["rpm/almalinux"] = "AlmaLinux",
        ["rpm/alma"] = "AlmaLinux",
        ["rpm/azurelinux"] = "Azure Linux",
        ["rpm/mageia"] = "Mageia",
        ["rpm/openeuler"] = "openEuler",
        ["rpm/opensuse"] = "openSUSE",
        ["rpm/opensuse-leap"] = "openSUSE",
        ["rpm/opensuse-tumbleweed"] = "openSUSE",
        ["rpm/opensuse.leap"] = "openSUSE",
        ["rpm/opensuse.tumbleweed"] = "openSUSE",
        ["rpm/photon"] = "Photon OS",
        ["rpm/redhat"] = "Red Hat",
        ["rpm/rhel"] = "Red Hat",
        ["rpm/rocky"] = "Rocky Linux",
        ["rpm/rockylinux"] = "Rocky Linux",
        ["rpm/sles"] = "SUSE",
        ["rpm/suse"] = "SUSE",
    };

    /// <summary>The ecosystem of a package; null when OSV has none.</summary>
    public static string? Of(PackageUrl purl) => Types.GetValueOrDefault(purl.Type) ?? Distributions.GetValueOrDefault($"{purl.Type}/{purl.Namespace.ToLowerInvariant()}");

    /// <summary>The name of a package as its ecosystem writes it.</summary>
    public static string NameOf(PackageUrl purl) => purl.Type switch
    {
        "maven" => $"{purl.Namespace}:{purl.Name}",
        _ => DistributionRelease.IsDistribution(purl.Type) ? purl.Name : purl.FullName,
    };

    /// <summary>The names under which an ecosystem may have a package, the most probable first.</summary>
    /// <remarks>
    /// The subpath of a Go module is a package in it. But anchore/syft (syft/pkg/cataloger/golang/package.go) writes what follows the third segment of
    /// the module's own path there. A path that ends in a major version is always that of a module (go.dev/ref/mod, "Major version suffixes").
    /// </remarks>
    public static IReadOnlyList<string> NamesOf(PackageUrl purl)
    {
        if (purl is not { Type: "golang", Subpath.Length: > 0 })
        {
            return [NameOf(purl)];
        }

        string whole = $"{purl.FullName}/{purl.Subpath}";
        return IsMajorVersion(purl.Subpath[(purl.Subpath.LastIndexOf('/') + 1)..]) ? [whole] : [whole, purl.FullName];
    }

    /// <summary>A name in the form in which two names of an ecosystem compare.</summary>
    /// <remarks>
    /// OSV and syft keep the case of the paths of Go modules. The specification of package URLs (types/golang-definition.json) and aquasecurity/trivy
    /// (pkg/purl/purl.go) write them in lower case.
    /// </remarks>
    public static string Normalize(string ecosystem, string name) => ecosystem switch
    {
        "PyPI" => PythonName(name),
        "NuGet" or "Packagist" or "GitHub Actions" or "Go" or "Hex" => name.ToLowerInvariant(),
        "SwiftURL" => name.ToLowerInvariant().Replace("https://", string.Empty, StringComparison.Ordinal).Replace(".git", string.Empty, StringComparison.Ordinal),
        _ => name,
    };

    /// <summary>Whether the suffix of an ecosystem (<c>12</c> of <c>Debian:12</c>) includes a package.</summary>
    public static bool Includes(string ecosystem, string suffix, SoftwarePackage package)
    {
        if (suffix.Length == 0)
        {
            return true;
        }

        if (!DistributionRelease.IsDistribution(package.Url.Type))
        {
            // The address of a repository, where it is not the usual one.
            return package.Url.Qualifiers.GetValueOrDefault("repository_url", string.Empty).TrimEnd('/') == suffix.TrimEnd('/');
        }

        if (package.Release is not { } release)
        {
            return false;
        }

        string[] parts = release.Split('.');
        string minor = parts.Length > 1 ? $"{parts[0]}.{parts[1]}" : parts[0];
        return ecosystem switch
        {
            "Alpine" => suffix == (char.IsAsciiDigit(release[0]) ? "v" + minor : release),
            "Ubuntu" => suffix == minor || suffix == $"{minor}:LTS" || suffix == $"Pro:{minor}:LTS",
            "Red Hat" => suffix.StartsWith($"enterprise_linux:{parts[0]}:", StringComparison.Ordinal) || suffix.StartsWith($"enterprise_linux:{minor}:", StringComparison.Ordinal),
            "openEuler" => suffix.StartsWith(minor + "-LTS", StringComparison.Ordinal),
            "openSUSE" or "SUSE" => $"{suffix} ".Contains($" {minor} ", StringComparison.Ordinal)
                || $"{suffix} ".Contains(parts.Length > 1 && parts[1] != "0" ? $" {parts[0]} SP{parts[1]} " : $" {parts[0]} ", StringComparison.Ordinal),
            _ => suffix == release || suffix == minor || suffix == parts[0],
        };
    }

    private static bool IsMajorVersion(string segment) => segment.Length > 1 && segment[0] == 'v' && segment.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0;

    // PEP 503: lower case, and a run of '-', '_' and '.' is one '-'.
    private static string PythonName(string name)
    {
        StringBuilder text = new(name.Length);
        foreach (char c in name.ToLowerInvariant())
        {
            char shown = c is '_' or '.' ? '-' : c;
            if (shown != '-' || text.Length == 0 || text[^1] != '-')
            {
                text.Append(shown);
            }
        }

        return text.ToString();
    }
}
