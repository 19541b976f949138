using System.Runtime.InteropServices;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>Options for installing BuildKit.</summary>
public sealed record InstallOptions
{
    /// <summary>The version; null for the newest that this module knows, or the installed one when that is newer.</summary>
    public BuildKitVersion? Version { get; init; }

    /// <summary>The prefix of the programs: they are installed in <c>PREFIX/bin</c>.</summary>
    public string Prefix { get; init; } = "/usr/local";

    /// <summary>The worker; null for containerd, or BuildKit's own worker when the engine is isolated.</summary>
    public BuildKitWorker? Worker { get; init; }

    /// <summary>Whether the engine has no network; null keeps the installed setting, and a first installation has a network.</summary>
    public bool? Isolated { get; init; }

    /// <summary>The AF_VSOCK port of an isolated engine; 0 for none, null keeps the installed setting.</summary>
    public uint? VsockPort { get; init; }

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

/// <summary>The result of an installation, an update or a removal.</summary>
public sealed record InstallResult
{
    /// <summary>The installed version.</summary>
    public required string Version { get; init; }

    /// <summary>The previously installed version; null when there was none.</summary>
    public string? PreviousVersion { get; init; }

    /// <summary>The prefix of its programs.</summary>
    public required string Prefix { get; init; }

    /// <summary>The worker that runs build containers.</summary>
    public required BuildKitWorker Worker { get; init; }

    /// <summary>The group that may use the engine.</summary>
    public required string Group { get; init; }

    /// <summary>Whether the engine has no network.</summary>
    public bool Isolated { get; init; }

    /// <summary>The AF_VSOCK port of the engine; null when there is none.</summary>
    public uint? VsockPort { get; init; }

    /// <summary>The engine's address; null when the host has no systemd and nothing was started.</summary>
    public string? Address { get; init; }

    /// <summary>The user of a rootless engine; null for root's.</summary>
    public string? User { get; init; }

    /// <summary>A shell script with root's part: the prerequisites, or what makes the engine survive a reboot; null when there is none.</summary>
    public string? RootScript { get; init; }

    /// <summary>Whether anything was changed; false when a second run finds everything done.</summary>
    public bool Changed { get; init; }

    /// <summary>How the archive was verified; null when no archive was needed.</summary>
    public IntegrityResult? Integrity { get; init; }

    /// <summary>The engine's answer to a member of the group; null when the engine was not started.</summary>
    public EngineAnswer? Engine { get; init; }

    /// <summary>The steps and their results.</summary>
    public required IReadOnlyList<HostStepOutcome> Steps { get; init => field = TextList<HostStepOutcome>.Of(value); }

    /// <summary>Hints and required follow-up actions.</summary>
    public required IReadOnlyList<string> Messages { get; init => field = TextList<string>.Of(value); }
}
