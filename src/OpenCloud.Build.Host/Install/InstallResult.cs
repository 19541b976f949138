using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

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

    /// <summary>The IP address and port on which the engine listens with mutual TLS; null when there is none.</summary>
    public string? ListenTcp { get; init; }

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
