namespace OpenCloud.Build.Client.Vulnerabilities;

/// <summary>Reads ratings and scores.</summary>
internal static class Severities
{
    /// <summary>The rating of a score.</summary>
    /// <remarks>first.org, CVSS v3.1 specification, section 5.</remarks>
    public static VulnerabilitySeverity Of(double score) => score switch
    {
        >= 9 => VulnerabilitySeverity.Critical,
        >= 7 => VulnerabilitySeverity.High,
        >= 4 => VulnerabilitySeverity.Medium,
        > 0 => VulnerabilitySeverity.Low,
        _ => VulnerabilitySeverity.Negligible,
    };

    /// <summary>The rating that a word of a database or a scanner means.</summary>
    public static VulnerabilitySeverity Of(string? word) => word?.Trim().ToUpperInvariant() switch
    {
        "CRITICAL" => VulnerabilitySeverity.Critical,
        "HIGH" or "IMPORTANT" => VulnerabilitySeverity.High,
        "MEDIUM" or "MODERATE" => VulnerabilitySeverity.Medium,
        "LOW" => VulnerabilitySeverity.Low,
        "NEGLIGIBLE" or "UNIMPORTANT" or "NONE" => VulnerabilitySeverity.Negligible,
        _ => VulnerabilitySeverity.Unknown,
    };
}
