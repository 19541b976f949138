using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Containerd;

/// <summary>The containerd on this host, whoever installed it. Version is null when unknown; HasUnit: systemd knows a containerd.service.</summary>
internal sealed partial record ContainerdPresence(string? Program, Version? Version, bool HasUnit, bool HasSocket)
{
    public const string Unit = "containerd.service";

    public const string Socket = "/run/containerd/containerd.sock";

    public const string Package = "containerd";

    private const int LargestChangelog = 8 << 20;

    /// <summary>The directories that containerd and its package create.</summary>
    public static readonly IReadOnlyList<string> Directories = ["/var/lib/containerd", "/run/containerd", "/etc/containerd", "/opt/containerd", "/etc/cni", "/opt/cni", "/run/nri", "/etc/nri", "/opt/nri"];

    public bool IsThere => Program is not null || HasSocket;

    /// <summary>The package of its program and the package's version; null when it is not from a package.</summary>
    public (string Name, string Version)? FromPackage { get; private init; }

    /// <summary>The known vulnerabilities, minus those that its package fixes.</summary>
    public IReadOnlyList<string> Vulnerabilities { get; private init; } = [];

    /// <summary>A description: its version, and its package's version if it has a package.</summary>
    public string? Description => !IsThere ? null
        : Version is null ? "unknown version"
        : FromPackage is { } package ? $"{Version} ({package.Name} {package.Version})" : $"{Version}";

    /// <summary>The package version in apt that is newer than the installed one; null when there is none.</summary>
    public string? NewerPackage()
        => FromPackage is { } package && Packages.Candidate(package.Name) is { } candidate && Packages.IsNewer(candidate, package.Version) ? candidate : null;

    public static ContainerdPresence Detect()
    {
        string? program = HostCommand.Find("containerd");
        Match? match = program is null ? null : VersionPattern().Match(HostCommand.Run(program, ["--version"]).Output);
        Version? version = match is { Success: true } ? System.Version.Parse(match.Groups[1].Value) : null;
        (string Name, string Version)? package = program is null ? null : Packages.OwnerOf(program);
        return new ContainerdPresence(
            program,
            version,
            Systemctl.IsRunning && Systemctl.Property(Unit, "LoadState") == "loaded",
            File.Exists(Socket))
        {
            FromPackage = package,
            Vulnerabilities = version is null ? [] : ContainerdAdvisories.VulnerabilitiesOf(version, package?.Version, package is null ? null : ChangelogOf(package.Value.Name)),
        };
    }

    // Debian policy, 12.7: every package has its changelog there, except on hosts that omit documentation.
    private static string? ChangelogOf(string package)
    {
        try
        {
            using FileStream file = File.OpenRead($"/usr/share/doc/{package}/changelog.Debian.gz");
            using GZipStream text = new(file, CompressionMode.Decompress);
            byte[] content = new byte[LargestChangelog];
            return Encoding.UTF8.GetString(content, 0, text.ReadAtLeast(content, content.Length, throwOnEndOfStream: false));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\bv?(\d+\.\d+\.\d+)")]
    private static partial Regex VersionPattern();
}
