using System.Runtime.InteropServices;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>Who runs the containers of a build.</summary>
public enum BuildKitWorker
{
    /// <summary>containerd: images land in its store.</summary>
    Containerd,

    /// <summary>BuildKit itself, with its own runc and store.</summary>
    Oci,
}

/// <summary>What the engine answered.</summary>
/// <param name="Version">Its version; empty when it does not tell.</param>
/// <param name="Workers">Its workers, each described in a few words; empty when it has none.</param>
public sealed record EngineAnswer(string Version, IReadOnlyList<string> Workers);

/// <summary>
/// Asks the engine at the other end of a connected stream who it is, over gRPC. This library speaks no gRPC: who uses it brings
/// the client.
/// </summary>
/// <param name="connection">A connected stream; the probe disposes of it.</param>
/// <param name="cancellationToken">Stops it.</param>
public delegate Task<EngineAnswer> EngineProbe(Stream connection, CancellationToken cancellationToken);

/// <summary>How BuildKit is to be installed.</summary>
public sealed record InstallOptions
{
    /// <summary>The version; null for the newest this module knows, or the one that is installed when that is newer.</summary>
    public BuildKitVersion? Version { get; init; }

    /// <summary>Where programs go: <c>PREFIX/bin</c>.</summary>
    public string Prefix { get; init; } = "/usr/local";

    /// <summary>Who runs the containers of a build; null for containerd, or BuildKit itself where the engine is isolated.</summary>
    public BuildKitWorker? Worker { get; init; }

    /// <summary>Whether the engine has no network; null for as it is installed, which at first is with one.</summary>
    public bool? Isolated { get; init; }

    /// <summary>The port of AF_VSOCK at which an isolated engine is reached as well; 0 for none, null for as it is installed.</summary>
    public uint? VsockPort { get; init; }

    /// <summary>The containerd namespace images are built in.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>The group that may use the engine.</summary>
    public string Group { get; init; } = "buildkit";

    /// <summary>Enables the units at boot, but starts nothing now.</summary>
    public bool NoStart { get; init; }

    /// <summary>Leaves containerd alone: it is, or will be, there by other means.</summary>
    public bool SkipContainerd { get; init; }

    /// <summary>Unpacks an archive that nothing proves.</summary>
    public bool SkipVerification { get; init; }

    /// <summary>The archive's sha256, when the caller knows it.</summary>
    public string? Sha256 { get; init; }

    /// <summary>A mirror, or the archive's own address.</summary>
    public Uri? Uri { get; init; }

    /// <summary>The archive as a file of this machine.</summary>
    public string? ArchivePath { get; init; }

    /// <summary>Puts back the programs that the last update replaced.</summary>
    public bool Rollback { get; init; }

    /// <summary>How long another run of this module is waited for.</summary>
    public TimeSpan LockPatience { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long the engine may take to answer once it was started.</summary>
    public TimeSpan AnswerPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>This machine's processor as releases name it: amd64 or arm64.</summary>
    /// <exception cref="HostException">Another processor.</exception>
    public static string HostArchitecture => NameOf(RuntimeInformation.OSArchitecture);

    /// <summary>What BuildKit's archives call a processor.</summary>
    /// <exception cref="HostException">There is no archive for it.</exception>
    internal static string NameOf(Architecture processor) => processor switch
    {
        Architecture.X64 => "amd64",
        Architecture.Arm64 => "arm64",
        var other => throw new HostException(HostErrorKind.Unsupported, $"BuildKit is installed on amd64 and arm64; this machine is {other}."),
    };
}

/// <summary>What an installation, an update or a removal did and what is there now.</summary>
public sealed record InstallResult
{
    /// <summary>The version that is installed.</summary>
    public required string Version { get; init; }

    /// <summary>The version that was installed before; null when there was none.</summary>
    public string? PreviousVersion { get; init; }

    /// <summary>Where its programs are.</summary>
    public required string Prefix { get; init; }

    /// <summary>Who runs the containers of a build.</summary>
    public required BuildKitWorker Worker { get; init; }

    /// <summary>The group that may use it.</summary>
    public required string Group { get; init; }

    /// <summary>Whether it has no network.</summary>
    public bool Isolated { get; init; }

    /// <summary>The port of AF_VSOCK at which it is reached as well; null when there is none.</summary>
    public uint? VsockPort { get; init; }

    /// <summary>The engine's address; null when the host has no systemd and nothing was started.</summary>
    public string? Address { get; init; }

    /// <summary>Whose engine it is, when it runs without root; null for root's.</summary>
    public string? User { get; init; }

    /// <summary>What root has to do before, or so that it survives a reboot, as a shell script; null when nothing.</summary>
    public string? RootScript { get; init; }

    /// <summary>Whether anything was changed; false for a second run.</summary>
    public bool Changed { get; init; }

    /// <summary>How the archive was proven; null when none was needed.</summary>
    public IntegrityResult? Integrity { get; init; }

    /// <summary>What the engine answered as a member of the group; null when it was not started.</summary>
    public EngineAnswer? Engine { get; init; }

    /// <summary>Each step and how it ended.</summary>
    public required IReadOnlyList<HostStepOutcome> Steps { get; init; }

    /// <summary>What to know or to do.</summary>
    public required IReadOnlyList<string> Messages { get; init; }
}
