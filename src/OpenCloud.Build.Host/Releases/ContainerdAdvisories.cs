using System.Globalization;

namespace OpenCloud.Build.Host.Releases;

/// <summary>Something known to be vulnerable in containerd, and where it is not.</summary>
/// <param name="Id">Its CVE.</param>
/// <param name="What">What it lets somebody do.</param>
/// <param name="FixedIn">The version of each branch that has the fix; a branch that is not named never got one.</param>
/// <param name="Since">The first version that has the fault; null for all.</param>
internal sealed record ContainerdAdvisory(string Id, string What, IReadOnlyList<Version> FixedIn, Version? Since = null)
{
    /// <summary>Whether a version has the fault, by its number.</summary>
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

    /// <summary>The fix nearest to a version: of its own branch, else of the lowest that is newer.</summary>
    public Version FixFor(Version version) => FixedIn.Where(fix => fix > version).Min() ?? FixedIn.Max()!;
}

/// <summary>
/// containerd's security advisories that matter to a host, as its project and the databases of CVEs tell them (read in November 2026), and
/// what the package of a distribution has of their fixes: Debian and Ubuntu keep a version's number and add the fixes to it.
/// </summary>
internal static class ContainerdAdvisories
{
    private const string ThroughCri = "only through its interface for Kubernetes (CRI), which BuildKit does not use";

    // Sources: the advisories of containerd/containerd (GHSA-c2h3-6mxw-7mvq, GHSA-crp2-qrr5-8pq7, GHSA-hmfx-3pcx-653p, GHSA-265r-hfxg-fhmg,
    // GHSA-pwhc-rpq9-4c8w, GHSA-m6hq-p25p-ffr2, GHSA-xhf5-7wjv-pqxp, GHSA-33vj-92qq-66hc), and the CVE records for those of 2026.
    private static readonly ContainerdAdvisory[] All =
    [
        new("CVE-2021-41103", "local users reach the files of containers, and run their set-uid programs", Versions("1.4.11", "1.5.7", "1.6.0")),
        new("CVE-2022-23648", $"an image reads files of the host, {ThroughCri}", Versions("1.4.13", "1.5.10", "1.6.1")),
        new("CVE-2023-25173", "supplementary groups inside a container are not set up as they should be", Versions("1.5.18", "1.6.18", "1.7.0")),
        new("CVE-2024-40635", "a container whose user has too large a number runs as root", Versions("1.6.38", "1.7.27", "2.0.4", "2.1.0")),
        new("CVE-2024-25621", "local users enter its folders, reach what containers have there, set-uid programs included, and can become root", Versions("1.7.29", "2.0.7", "2.1.5", "2.2.0")),
        new("CVE-2025-64329", $"the host's memory is exhausted, {ThroughCri}", Versions("1.7.29", "2.0.7", "2.1.5", "2.2.0")),
        new("CVE-2026-46680", "an image whose user is too large a number runs as root, where a Kubernetes forbids that", Versions("1.7.32", "2.0.9", "2.2.4", "2.3.1"), new Version(1, 7, 27)),
        new("CVE-2026-53488", $"an image's labels run commands as root, {ThroughCri}", Versions("1.7.33", "2.0.10", "2.1.9", "2.2.5", "2.3.2")),
        new("CVE-2026-53492", $"a restored checkpoint brings devices and mounts, {ThroughCri}", Versions("2.1.9", "2.2.5", "2.3.2"), new Version(2, 1, 0)),
        new("CVE-2026-50195", $"a restored checkpoint gives an image another's name, {ThroughCri}", Versions("2.1.9", "2.2.5", "2.3.2"), new Version(2, 1, 0)),
    ];

    // The changelogs of Debian's packages, for hosts that leave out documentation: a version up to the number of its update, and the
    // first update that has the fix.
    private static readonly (string Id, string Package, int Update)[] DebianFixes =
    [
        ("CVE-2024-25621", "1.6.20~ds1-1+deb12u", 2),
        ("CVE-2024-40635", "1.6.20~ds1-1+deb12u", 2),
        ("CVE-2025-64329", "1.6.20~ds1-1+deb12u", 3),
        ("CVE-2024-40635", "1.7.24~ds1-6+deb13u", 0),
        ("CVE-2024-25621", "1.7.24~ds1-6+deb13u", 1),
        ("CVE-2025-64329", "1.7.24~ds1-6+deb13u", 1),
    ];

    // A changelog that was wrong, and was put right by the next update's.
    private static readonly (string Id, string Package)[] ClaimedTooEarly = [("CVE-2025-64329", "1.6.20~ds1-1+deb12u2")];

    /// <summary>What is open in a containerd.</summary>
    /// <param name="version">The version, as the program tells it.</param>
    /// <param name="package">The version of the package it is from; null when it is from none.</param>
    /// <param name="changelog">That package's changelog; null when it cannot be read.</param>
    public static IReadOnlyList<ContainerdAdvisory> OpenIn(Version version, string? package, string? changelog)
        => [.. All.Where(advisory => advisory.IsOpenIn(version) && !IsFixedByPackage(advisory, package, changelog))];

    /// <summary>The same in words, each with what mends it.</summary>
    /// <inheritdoc cref="OpenIn"/>
    public static IReadOnlyList<string> KnownAgainst(Version version, string? package, string? changelog)
    {
        string basis = package is null ? "by its version number"
            : changelog is null ? $"by its version number; the changelog of its package {package}, which may name a fix, is not here"
            : $"the changelog of its package {package} names no fix";
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
