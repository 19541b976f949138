using System.Globalization;

namespace OpenCloud.Build.Host.Containerd;

/// <summary>
/// A known vulnerability of containerd. FixedIn has the fixed version of each branch; a branch that is not listed never got a fix.
/// Since is the first vulnerable version; null for all.
/// </summary>
internal sealed record ContainerdAdvisory(string Id, string What, IReadOnlyList<Version> FixedIn, Version? Since = null)
{
    /// <summary>Whether a version is vulnerable, judged by its number.</summary>
    public bool IsOpenIn(Version version)
    {
        if (Since is not null && version < Since)
        {
            return false;
        }

        return FixedIn.FirstOrDefault(fix => (fix.Major, fix.Minor) == (version.Major, version.Minor)) is { } ofBranch
            ? version < ofBranch
            : version < FixedIn.Max();
    }

    /// <summary>The nearest fix for a version: that of its own branch, else the lowest newer one.</summary>
    public Version FixFor(Version version) => FixedIn.Where(fix => fix > version).Min() ?? FixedIn.Max()!;
}

/// <summary>
/// containerd's security advisories that matter to a host, from its project and the CVE databases (read in November 2026), and
/// the fixes that a distribution's package includes: Debian and Ubuntu keep a version's number and add the fixes to it.
/// </summary>
internal static class ContainerdAdvisories
{
    private const string ThroughCri = "only through its interface for Kubernetes (CRI), which BuildKit does not use";

    // Sources: the advisories of containerd/containerd (GHSA-c2h3-6mxw-7mvq, GHSA-crp2-qrr5-8pq7, GHSA-hmfx-3pcx-653p, GHSA-265r-hfxg-fhmg,
    // GHSA-pwhc-rpq9-4c8w, GHSA-m6hq-p25p-ffr2, GHSA-xhf5-7wjv-pqxp, GHSA-33vj-92qq-66hc), and the CVE records for those of 2026.
    private static readonly ContainerdAdvisory[] All =
    [
        new("CVE-2021-41103", "local users have access to the files of containers and can run their set-uid programs", Versions("1.4.11", "1.5.7", "1.6.0")),
        new("CVE-2022-23648", $"an image reads files of the host, {ThroughCri}", Versions("1.4.13", "1.5.10", "1.6.1")),
        new("CVE-2023-25173", "supplementary groups inside a container are set up incorrectly", Versions("1.5.18", "1.6.18", "1.7.0")),
        new("CVE-2024-40635", "a container whose user id is too large runs as root", Versions("1.6.38", "1.7.27", "2.0.4", "2.1.0")),
        new("CVE-2024-25621", "local users have access to its directories and to set-uid programs of containers, and can become root", Versions("1.7.29", "2.0.7", "2.1.5", "2.2.0")),
        new("CVE-2025-64329", $"the host's memory is exhausted, {ThroughCri}", Versions("1.7.29", "2.0.7", "2.1.5", "2.2.0")),
        new("CVE-2026-46680", "an image whose user id is too large runs as root, even if Kubernetes does not allow root", Versions("1.7.32", "2.0.9", "2.2.4", "2.3.1"), new Version(1, 7, 27)),
        new("CVE-2026-53488", $"an image's labels run commands as root, {ThroughCri}", Versions("1.7.33", "2.0.10", "2.1.9", "2.2.5", "2.3.2")),
        new("CVE-2026-53492", $"a restored checkpoint adds devices and mounts, {ThroughCri}", Versions("2.1.9", "2.2.5", "2.3.2"), new Version(2, 1, 0)),
        new("CVE-2026-50195", $"a restored checkpoint gives an image the name of another image, {ThroughCri}", Versions("2.1.9", "2.2.5", "2.3.2"), new Version(2, 1, 0)),
    ];

    // The fixes in Debian's packages, from their changelogs, for hosts that omit documentation: the package version without its update
    // number, and the first update that has the fix.
    private static readonly (string Id, string Package, int Update)[] DebianFixes =
    [
        ("CVE-2024-25621", "1.6.20~ds1-1+deb12u", 2),
        ("CVE-2024-40635", "1.6.20~ds1-1+deb12u", 2),
        ("CVE-2025-64329", "1.6.20~ds1-1+deb12u", 3),
        ("CVE-2024-40635", "1.7.24~ds1-6+deb13u", 0),
        ("CVE-2024-25621", "1.7.24~ds1-6+deb13u", 1),
        ("CVE-2025-64329", "1.7.24~ds1-6+deb13u", 1),
    ];

    // A wrong changelog, which the next update's changelog corrected.
    private static readonly (string Id, string Package)[] ClaimedTooEarly = [("CVE-2025-64329", "1.6.20~ds1-1+deb12u2")];

    /// <summary>The open vulnerabilities of a containerd. package and changelog are null when there is none or it cannot be read.</summary>
    public static IReadOnlyList<ContainerdAdvisory> OpenIn(Version version, string? package, string? changelog)
        => [.. All.Where(advisory => advisory.IsOpenIn(version) && !IsFixedByPackage(advisory, package, changelog))];

    /// <summary>The open vulnerabilities as texts, each with its remedy.</summary>
    public static IReadOnlyList<string> VulnerabilitiesOf(Version version, string? package, string? changelog)
    {
        string basis = package is null ? "by its version number"
            : changelog is null ? $"by its version number; the changelog of its package {package}, which may list a fix, is not available"
            : $"the changelog of its package {package} does not list a fix";
        return [.. OpenIn(version, package, changelog).Select(advisory => $"{advisory.Id}: {advisory.What}; fixed in {advisory.FixFor(version)} ({basis})")];
    }

    private static bool IsFixedByPackage(ContainerdAdvisory advisory, string? package, string? changelog)
        => package is not null
            && !ClaimedTooEarly.Contains((advisory.Id, package))
            && (DebianFixes.Any(fix => fix.Id == advisory.Id && UpdateOf(package, fix.Package) >= fix.Update)
                || changelog?.Contains(advisory.Id, StringComparison.Ordinal) == true);

    private static int UpdateOf(string package, string upTo)
        => package.StartsWith(upTo, StringComparison.Ordinal)
            && int.TryParse(string.Concat(package[upTo.Length..].TakeWhile(char.IsAsciiDigit)), CultureInfo.InvariantCulture, out int update)
            ? update
            : -1;

    private static Version[] Versions(params string[] versions) => [.. versions.Select(Version.Parse)];
}
