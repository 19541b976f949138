namespace OpenCloud.Build.Client.Vulnerabilities;

/// <summary>The release of a distribution in a package URL.</summary>
/// <remarks>
/// The qualifier "distro" of anchore/syft and aquasecurity/trivy: debian-12, alpine-3.20.1, redhat-9.2, or the version alone. The purl
/// specification has code names in its examples.
/// </remarks>
internal static class DistributionRelease
{
    private static readonly Dictionary<string, string> CodeNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["stretch"] = "9",
        ["buster"] = "10",
        ["bullseye"] = "11",
        ["bookworm"] = "12",
        ["trixie"] = "13",
        ["forky"] = "14",
        ["bionic"] = "18.04",
        ["focal"] = "20.04",
        ["jammy"] = "22.04",
        ["noble"] = "24.04",
    };

    public static bool IsDistribution(string type) => type is "deb" or "apk" or "rpm";

    /// <summary>The release that a qualifier names; null when there is none.</summary>
    public static string? Of(string? distro)
    {
        if (string.IsNullOrEmpty(distro))
        {
            return null;
        }

        string last = distro[(distro.LastIndexOf('-') + 1)..];
        return CodeNames.TryGetValue(last, out string? release) ? release
            : last.Length > 0 && char.IsAsciiDigit(last[0]) ? last
            : last is "sid" or "edge" or "stream" ? last
            : null;
    }
}
