using OpenCloud.Build.Host.Containerd;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Containerd;

/// <summary>Which containerd has what against it: by number, and by what its package's changelog says.</summary>
public sealed class ContainerdAdvisoryTests
{
    private const string Permissions = "CVE-2024-25621";

    [Theory]
    [InlineData("1.6.20", true)]
    [InlineData("1.6.39", true)]
    [InlineData("1.7.28", true)]
    [InlineData("1.7.29", false)]
    [InlineData("1.7.33", false)]
    [InlineData("2.0.6", true)]
    [InlineData("2.0.7", false)]
    [InlineData("2.1.4", true)]
    [InlineData("2.1.5", false)]
    [InlineData("2.2.0", false)]
    [InlineData("2.3.0", false)]
    public void LocalRoot_IsOpenBelowTheFixOfEachBranch(string version, bool open)
        => Assert.Equal(open, Ids(version).Contains(Permissions));

    [Theory]
    [InlineData("1.7.33", "")]
    [InlineData("2.0.10", "")]
    [InlineData("2.1.9", "CVE-2026-46680")] // that branch never got the fix
    [InlineData("2.2.5", "")]
    [InlineData("2.3.2", "")]
    [InlineData("3.0.0", "")]
    [InlineData("2.3.1", "CVE-2026-53488 CVE-2026-53492 CVE-2026-50195")]
    [InlineData("1.7.29", "CVE-2026-46680 CVE-2026-53488")]
    [InlineData("1.4.13", "CVE-2023-25173 CVE-2024-40635 CVE-2024-25621 CVE-2025-64329 CVE-2026-53488")]
    public void Versions_HaveAgainstThemWhatIsOpen(string version, string ids) => Assert.Equal(ids, string.Join(' ', Ids(version)));

    [Fact]
    public void PackagesChangelog_TakesAwayWhatItNames()
    {
        // Of the changelogs of Debian's packages.
        const string Second = " * Fix overly broad directory permissions, Fixes: CVE-2024-25621\n * Fix bug in the CRI Attach implementation, Fixes: CVE-2025-64329\n";
        string[] older = Ids("1.6.20", "1.6.20~ds1-1+deb12u1", " * Backport 0011-allow-test-run-in-userns.patch");
        Assert.Contains(Permissions, older);
        string[] second = Ids("1.6.20", "1.6.20~ds1-1+deb12u2", Second);
        Assert.DoesNotContain(Permissions, second);

        // What that revision's changelog says of the other was wrong, as the next one's tells.
        Assert.Contains("CVE-2025-64329", second);
        Assert.DoesNotContain("CVE-2025-64329", Ids("1.6.20", "1.6.20~ds1-1+deb12u3", Second));
        Assert.DoesNotContain("CVE-2025-64329", Ids("1.7.24", "1.7.24~ds1-6+deb13u1", Second));
        Assert.Contains("CVE-2026-53488", second);
    }

    [Theory]
    [InlineData("1.6.20", "1.6.20~ds1-1+deb12u1", "CVE-2024-40635 CVE-2024-25621 CVE-2025-64329")]
    [InlineData("1.6.20", "1.6.20~ds1-1+deb12u2", "CVE-2025-64329")]
    [InlineData("1.6.20", "1.6.20~ds1-1+deb12u3", "")]
    [InlineData("1.6.20", "1.6.20~ds1-1+deb12u10+b1", "")]
    [InlineData("1.7.24", "1.7.24~ds1-6+b2", "CVE-2024-40635 CVE-2024-25621 CVE-2025-64329")]
    [InlineData("1.7.24", "1.7.24~ds1-6+deb13u1", "")]
    public void DebiansPackages_AreKnownWithoutTheirChangelog(string version, string package, string open)
        => Assert.Equal(open, string.Join(' ', Ids(version, package).Where(static id => id.StartsWith("CVE-2024", StringComparison.Ordinal) || id.StartsWith("CVE-2025", StringComparison.Ordinal))));

    [Fact]
    public void Words_SayWhatItIsJudgedBy()
    {
        Assert.Contains(ContainerdAdvisories.VulnerabilitiesOf(new Version(1, 7, 28), null, null), known => known.StartsWith($"{Permissions}: local users", StringComparison.Ordinal) && known.EndsWith("fixed in 1.7.29 (by its version number)", StringComparison.Ordinal));
        Assert.Contains("1.7.24~ds1-6, which may list a fix, is not available", ContainerdAdvisories.VulnerabilitiesOf(new Version(1, 7, 24), "1.7.24~ds1-6", null)[0], StringComparison.Ordinal);
        Assert.Contains("package 1.7.24~ds1-6 does not list a fix", ContainerdAdvisories.VulnerabilitiesOf(new Version(1, 7, 24), "1.7.24~ds1-6", "CVE-0")[0], StringComparison.Ordinal);
        Assert.Contains("fixed in 1.7.29", ContainerdAdvisories.VulnerabilitiesOf(new Version(1, 6, 20), null, null).Single(known => known.StartsWith(Permissions, StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    private static string[] Ids(string version, string? package = null, string? changelog = null)
        => [.. ContainerdAdvisories.OpenIn(Version.Parse(version), package, changelog).Select(advisory => advisory.Id)];
}
