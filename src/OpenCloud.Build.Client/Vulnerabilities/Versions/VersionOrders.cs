namespace OpenCloud.Build.Client.Vulnerabilities.Versions;

/// <summary>Compares two versions; null when one of them is not a version of the ecosystem.</summary>
internal delegate int? VersionOrder(string left, string right);

/// <summary>The order of versions by ecosystem of OSV, without its suffix.</summary>
/// <remarks>Names of ecosystems: ossf.github.io/osv-schema, "Defined ecosystems".</remarks>
internal static class VersionOrders
{
    /// <summary>Longer texts are not versions.</summary>
    public const int MostCharacters = 1024;

    private static readonly Dictionary<string, VersionOrder> Known = new(StringComparer.Ordinal)
    {
        ["npm"] = SemanticVersion.Compare,
        ["Go"] = SemanticVersion.Compare,
        ["crates.io"] = SemanticVersion.Compare,
        ["Pub"] = SemanticVersion.Compare,
        ["Hex"] = SemanticVersion.Compare,
        ["SwiftURL"] = SemanticVersion.Compare,
        ["Julia"] = SemanticVersion.Compare,
        ["Kubernetes"] = SemanticVersion.Compare,
        ["GitHub Actions"] = SemanticVersion.Compare,
        ["Bitnami"] = SemanticVersion.Compare,
        ["NuGet"] = SemanticVersion.CompareNuGet,
        ["PyPI"] = PythonVersion.Compare,
        ["Maven"] = MavenVersion.Compare,
        ["Debian"] = DebianVersion.Compare,
        ["Ubuntu"] = DebianVersion.Compare,
        ["Alpine"] = AlpineVersion.Compare,
        ["Wolfi"] = AlpineVersion.Compare,
        ["Chainguard"] = AlpineVersion.Compare,
        ["MinimOS"] = AlpineVersion.Compare,
        ["Alpaquita"] = AlpineVersion.Compare,
        ["BellSoft Hardened Containers"] = AlpineVersion.Compare,
        ["AlmaLinux"] = RpmVersion.Compare,
        ["Azure Linux"] = RpmVersion.Compare,
        ["Mageia"] = RpmVersion.Compare,
        ["openEuler"] = RpmVersion.Compare,
        ["openSUSE"] = RpmVersion.Compare,
        ["Photon OS"] = RpmVersion.Compare,
        ["Red Hat"] = RpmVersion.Compare,
        ["Rocky Linux"] = RpmVersion.Compare,
        ["SUSE"] = RpmVersion.Compare,
    };

    /// <summary>The order of an ecosystem; null when it is unknown.</summary>
    public static VersionOrder? Of(string ecosystem) => Known.GetValueOrDefault(ecosystem);
}
