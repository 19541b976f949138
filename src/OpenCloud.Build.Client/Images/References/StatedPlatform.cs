namespace OpenCloud.Build.Client.Images.References;

/// <summary>Platforms as descriptors and configurations state them: nothing is completed from this machine.</summary>
internal static class StatedPlatform
{
    /// <summary>Brings a stated platform to the form in which containerd lists it.</summary>
    /// <returns>Null when the words cannot be a platform; <c>unknown/unknown</c> is an unknown platform.</returns>
    /// <remarks>containerd/platforms, Normalize: plain arm is arm/v7, arm64/v8 is arm64.</remarks>
    public static Platform? From(string operatingSystem, string architecture, string variant)
    {
        string v = variant.ToLowerInvariant();
        string text = architecture.ToLowerInvariant() switch
        {
            "arm" when v.Length == 0 => $"{operatingSystem}/arm/v7",
            "arm64" or "aarch64" when v is "8" or "v8" or "" => $"{operatingSystem}/arm64",
            _ => v.Length == 0 ? $"{operatingSystem}/{architecture}" : $"{operatingSystem}/{architecture}/{v}",
        };
        return Platform.TryParse(text, out Platform? platform, out _) ? platform : null;
    }

    /// <summary>Whether either part is unknown, as for manifests that are not images.</summary>
    public static bool IsUnknown(this Platform platform) =>
        platform.OperatingSystem == "unknown" || platform.Architecture == "unknown";
}
