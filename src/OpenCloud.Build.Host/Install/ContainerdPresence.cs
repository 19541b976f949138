using System.Text.RegularExpressions;
using OpenCloud.Build.Host.Commands;
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

    /// <summary>Directories containerd and its package make.</summary>
    public static readonly IReadOnlyList<string> Directories = ["/var/lib/containerd", "/run/containerd", "/etc/containerd", "/opt/containerd", "/etc/cni", "/opt/cni", "/run/nri", "/etc/nri", "/opt/nri"];

    /// <summary>Whether there is one to use.</summary>
    public bool IsThere => Program is not null || HasSocket;

    /// <summary>Looks.</summary>
    public static ContainerdPresence Look()
    {
        var program = HostCommand.Find("containerd");
        var version = program is null ? null : VersionPattern().Match(HostCommand.Run(program, ["--version"]).Output);
        return new ContainerdPresence(
            program,
            version is { Success: true } ? System.Version.Parse(version.Groups[1].Value) : null,
            Systemctl.IsRunning && Systemctl.Property(Unit, "LoadState") == "loaded",
            File.Exists(HostTexts.ContainerdSocket));
    }

    [GeneratedRegex(@"\bv?(\d+\.\d+\.\d+)")]
    private static partial Regex VersionPattern();
}
