using System.Runtime.InteropServices;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>Options for installing BuildKit. A rootless engine has no worker of containerd, no network isolation and no group: those are ignored.</summary>
public sealed record InstallOptions
{
    /// <summary>The version; null for the newest that this module knows, or the installed one when that is newer.</summary>
    public BuildKitVersion? Version { get; init; }

    /// <summary>
    /// The prefix of the programs: they are installed in <c>PREFIX/bin</c>. Null for <c>/usr/local</c>; for a rootless engine <c>/opt/buildkit</c>
    /// when root installs it, else <c>~/.local</c>.
    /// </summary>
    public string? Prefix { get; init; }

    /// <summary>The worker; null for containerd, or BuildKit's own worker when the engine is isolated.</summary>
    public BuildKitWorker? Worker { get; init; }

    /// <summary>Whether the engine has no network; null keeps the installed setting, and a first installation has a network.</summary>
    public bool? Isolated { get; init; }

    /// <summary>The AF_VSOCK port of an isolated engine; 0 for none, null keeps the installed setting.</summary>
    public uint? VsockPort { get; init; }

    /// <summary>
    /// The IP address and port on which the engine also listens, with mutual TLS; empty for none, null keeps the installed setting.
    /// </summary>
    public string? ListenTcp { get; init; }

    /// <summary>
    /// The directory with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c> for <see cref="ListenTcp"/>, which only root can change; null keeps the
    /// installed setting.
    /// </summary>
    public string? CertificateDirectory { get; init; }

    /// <summary>The containerd namespace that receives built images.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>The group that may use the engine.</summary>
    public string Group { get; init; } = "buildkit";

    /// <summary>Enables the units at boot but does not start them now.</summary>
    public bool NoStart { get; init; }

    /// <summary>Does not install or change containerd: it is provided by other means.</summary>
    public bool SkipContainerd { get; init; }

    /// <summary>Unpacks an archive without verification.</summary>
    public bool SkipVerification { get; init; }

    /// <summary>The known sha256 of the archive; null when the caller does not know it.</summary>
    public string? Sha256 { get; init; }

    /// <summary>The address of a mirror, or of the archive itself.</summary>
    public Uri? Uri { get; init; }

    /// <summary>The local path of the archive.</summary>
    public string? ArchivePath { get; init; }

    /// <summary>Restores the programs that the last update replaced.</summary>
    public bool Rollback { get; init; }

    /// <summary>The options of a rootless engine; null for root's engine.</summary>
    public RootlessOptions? Rootless { get; init; }

    /// <summary>How long to wait for another run of this module.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long the engine may take to answer after its start.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The name of this machine's processor in releases: amd64 or arm64.</summary>
    /// <exception cref="HostException">The processor is not supported.</exception>
    public static string HostArchitecture => NameOf(RuntimeInformation.OSArchitecture);

    /// <summary>The name of a processor in BuildKit's archives.</summary>
    /// <exception cref="HostException">There is no archive for it.</exception>
    internal static string NameOf(Architecture processor) => processor switch
    {
        Architecture.X64 => "amd64",
        Architecture.Arm64 => "arm64",
        var other => throw new HostException(HostErrorKind.Unsupported, $"BuildKit can only be installed on amd64 and arm64; this machine is {other}."),
    };
}
