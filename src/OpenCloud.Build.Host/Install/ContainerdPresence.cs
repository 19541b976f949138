using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>What there is of containerd on this host, whoever installed it.</summary>
/// <param name="Program">Its program; null when there is none.</param>
/// <param name="Version">Its version; null when it cannot be told.</param>
/// <param name="HasUnit">systemd knows a containerd.service.</param>
/// <param name="HasSocket">Something made its socket.</param>
internal sealed partial record ContainerdPresence(string? Program, Version? Version, bool HasUnit, bool HasSocket)
{
    /// <summary>The unit.</summary>
    public const string Unit = "containerd.service";

    /// <summary>The distribution's package.</summary>
    public const string Package = "containerd";

    private const int LargestChangelog = 8 << 20;

    /// <summary>Directories containerd and its package make.</summary>
    public static readonly IReadOnlyList<string> Directories = ["/var/lib/containerd", "/run/containerd", "/etc/containerd", "/opt/containerd", "/etc/cni", "/opt/cni", "/run/nri", "/etc/nri", "/opt/nri"];

    /// <summary>Whether there is one to use.</summary>
    public bool IsThere => Program is not null || HasSocket;

    /// <summary>The package its program is from, and the package's version; null when it is from none.</summary>
    public (string Name, string Version)? FromPackage { get; private init; }

    /// <summary>What is known against it, fixes of its package taken into account.</summary>
    public IReadOnlyList<string> KnownAgainst { get; private init; } = [];

    /// <summary>What it is, in words: its version, and its package's where it has one.</summary>
    public string? Description => !IsThere ? null
        : Version is null ? "unknown version"
        : FromPackage is { } package ? $"{Version} ({package.Name} {package.Version})" : $"{Version}";

    /// <summary>A version of its package that apt has and that is newer than the one installed; null when there is none.</summary>
    public string? NewerPackage()
        => FromPackage is { } package && Packages.Candidate(package.Name) is { } candidate && Packages.IsNewer(candidate, package.Version) ? candidate : null;

    /// <summary>Looks.</summary>
    public static ContainerdPresence Look()
    {
        string? program = HostCommand.Find("containerd");
        Match? match = program is null ? null : VersionPattern().Match(HostCommand.Run(program, ["--version"]).Output);
        Version? version = match is { Success: true } ? System.Version.Parse(match.Groups[1].Value) : null;
        (string Name, string Version)? package = program is null ? null : Packages.OwnerOf(program);
        return new ContainerdPresence(
            program,
            version,
            Systemctl.IsRunning && Systemctl.Property(Unit, "LoadState") == "loaded",
            File.Exists(HostTexts.ContainerdSocket))
        {
            FromPackage = package,
            KnownAgainst = version is null ? [] : ContainerdAdvisories.KnownAgainst(version, package?.Version, package is null ? null : ChangelogOf(package.Value.Name)),
        };
    }

    // Debian policy, 12.7: every package has its changelog there. Hosts that leave out documentation have not.
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
