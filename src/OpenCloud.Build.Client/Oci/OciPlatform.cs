namespace OpenCloud.Build.Client.Oci;

/// <summary>The platform of a manifest, normalized as containerd's platforms package does it.</summary>
/// <param name="Os">The operating system: <c>linux</c>.</param>
/// <param name="Architecture">The architecture by Go's name: <c>amd64</c>.</param>
/// <param name="Variant">The variant, empty for the usual one.</param>
/// <param name="OsVersion">The version of the operating system; told apart on Windows only.</param>
public sealed record OciPlatform(string Os, string Architecture, string Variant = "", string OsVersion = "")
{
    /// <summary>The platform of this process.</summary>
    public static OciPlatform Host { get; } = Normalize(
        OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : "linux",
        System.Runtime.InteropServices.RuntimeInformation.OSArchitecture switch
        {
            System.Runtime.InteropServices.Architecture.X64 => "amd64",
            System.Runtime.InteropServices.Architecture.X86 => "386",
            System.Runtime.InteropServices.Architecture.Ppc64le => "ppc64le",
            var other => other.ToString().ToLowerInvariant(),
        });

    /// <summary>Whether either part is not known, as of manifests which are no images.</summary>
    public bool IsUnknown => Os is "" or "unknown" || Architecture is "" or "unknown";

    /// <summary>Brings the names in use for one thing to one name.</summary>
    /// <remarks>containerd/platforms, database.go: x86_64 is amd64, aarch64 and arm64/v8 are arm64, arm is arm/v7.</remarks>
    public static OciPlatform Normalize(string os, string architecture, string? variant = null, string? osVersion = null)
    {
        var v = (variant ?? string.Empty).ToLowerInvariant();
        var (arch, normal) = architecture.ToLowerInvariant() switch
        {
            "i386" => ("386", string.Empty),
            "x86_64" or "x86-64" or "amd64" => ("amd64", v is "v1" ? string.Empty : v),
            "aarch64" or "arm64" => ("arm64", v is "8" or "v8" ? string.Empty : v),
            "armhf" => ("arm", "v7"),
            "armel" => ("arm", "v6"),
            "arm" => ("arm", v is "" or "7" ? "v7" : v is "5" or "6" or "8" ? "v" + v : v),
            var other => (other, v),
        };
        var system = os.ToLowerInvariant() is "macos" ? "darwin" : os.ToLowerInvariant();
        return new OciPlatform(system, arch, normal, osVersion ?? string.Empty);
    }

    /// <summary>Reads <c>os/arch[/variant]</c>, or an operating system or architecture alone.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static OciPlatform Parse(string text)
    {
        var parts = text.Split('/');
        if (parts.Length is 0 or > 3 || parts.Any(static p => p.Length == 0 || p.Any(static c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))))
        {
            throw new FormatException($"'{text}' is not a platform; os/architecture[/variant] is expected, for example linux/arm64.");
        }

        return parts switch
        {
            [var one] when one.ToLowerInvariant() is "linux" or "windows" or "darwin" or "macos" or "freebsd" =>
                Normalize(one, Host.Architecture, Host.Variant),
            [var one] => Normalize(Host.Os, one),
            [var os, var architecture] => Normalize(os, architecture),
            _ => Normalize(parts[0], parts[1], parts[2]),
        };
    }

    /// <inheritdoc/>
    public override string ToString() =>
        Variant.Length == 0 ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";
}
