using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Containerd;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Installations;

/// <summary>An installed file and whether it is unchanged.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="State">"as installed", "changed", "missing" or "not accessible".</param>
public sealed record InstalledFile(string Path, string State)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path} ({State})";
}

/// <summary>The state of BuildKit on this host, whether this module installed it or not.</summary>
public sealed record BuildKitInstallation
{
    /// <summary>The version; when this module did not install BuildKit, the version that the program reports.</summary>
    public string? Version { get; init; }

    /// <summary>Whether this module installed it.</summary>
    public bool ByThisModule { get; init; }

    /// <summary>The path of buildkitd.</summary>
    public string? Program { get; init; }

    /// <summary>The prefix of its programs.</summary>
    public string? Prefix { get; init; }

    /// <summary>The worker that runs build containers; null when unknown.</summary>
    public BuildKitWorker? Worker { get; init; }

    /// <summary>Whether the engine has no network; null when unknown.</summary>
    public bool? Isolated { get; init; }

    /// <summary>The AF_VSOCK port of an isolated engine; null when there is none.</summary>
    public uint? VsockPort { get; init; }

    /// <summary>The IP address and port on which the engine listens with mutual TLS; null when there is none.</summary>
    public string? ListenTcp { get; init; }

    /// <summary>Whether its engine is rootless.</summary>
    public bool Rootless { get; init; }

    /// <summary>The user of a rootless engine; null otherwise.</summary>
    public string? User { get; init; }

    /// <summary>The address of a rootless engine; null otherwise.</summary>
    public string? Address { get; init; }

    /// <summary>The containerd namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>The group that may use the engine.</summary>
    public string? Group { get; init; }

    /// <summary>When it was installed or last changed.</summary>
    public DateTimeOffset? InstalledAt { get; init; }

    /// <summary>How its archive was verified.</summary>
    public IntegrityResult? Integrity { get; init; }

    /// <summary>The version kept for a rollback.</summary>
    public string? PreviousVersion { get; init; }

    /// <summary>containerd's version, and its package's version if it comes from a package; null when there is no containerd.</summary>
    public string? Containerd { get; init; }

    /// <summary>The known vulnerabilities of that containerd, minus those that its package fixes.</summary>
    public IReadOnlyList<string> ContainerdVulnerabilities { get; init => field = TextList<string>.Of(value); } = TextList<string>.Empty;

    /// <summary>The socket unit: "active, enabled".</summary>
    public string? SocketUnit { get; init; }

    /// <summary>The service unit: "active, enabled".</summary>
    public string? ServiceUnit { get; init; }

    /// <summary>The installed files and whether each is unchanged.</summary>
    public IReadOnlyList<InstalledFile> Files { get; init => field = TextList<InstalledFile>.Of(value); } = TextList<InstalledFile>.Empty;

    /// <summary>Whether an interrupted installation waits to be completed.</summary>
    public bool Interrupted { get; init; }

    /// <summary>The known vulnerabilities of this version of BuildKit.</summary>
    public IReadOnlyList<string> Vulnerabilities { get; init => field = TextList<string>.Of(value); } = TextList<string>.Empty;

    /// <summary>Finds the installation; null when the host has no BuildKit. Changes nothing and needs no root.</summary>
    public static BuildKitInstallation? Find()
    {
        InstallationManifest? manifest = InstallationManifest.Load();
        string? program = manifest is { IsInstalled: true } ? Path.Combine(manifest.Prefix, "bin", "buildkitd") : HostCommand.Find("buildkitd");
        if (program is null && manifest is not { IsInstalled: true } && !ChangeJournal.IsInterrupted)
        {
            return null;
        }

        ContainerdPresence containerd = ContainerdPresence.Detect();
        string? version = program is null || manifest is { IsInstalled: true } ? null : VersionOf(program);
        BuildKitInstallation found = manifest is { IsInstalled: true } ? Of(manifest) : new BuildKitInstallation
        {
            Version = version,
            Program = program,
            Prefix = manifest?.Prefix ?? Path.GetDirectoryName(Path.GetDirectoryName(program)),
            Integrity = manifest?.Integrity,
            Files = FilesOf(manifest),
            Vulnerabilities = version is null ? [] : VulnerabilitiesOf(version),
        };
        return found with
        {
            Containerd = containerd.Description,
            ContainerdVulnerabilities = containerd.Vulnerabilities,
            SocketUnit = StateOf(SystemPaths.SocketUnit),
            ServiceUnit = StateOf(SystemPaths.ServiceUnit),
            Interrupted = ChangeJournal.IsInterrupted,
        };
    }

    /// <summary>Describes an installation of this module by its manifest.</summary>
    internal static BuildKitInstallation Of(InstallationManifest manifest) => new()
    {
        Version = manifest.Version,
        ByThisModule = true,
        Program = Path.Combine(manifest.Prefix, "bin", "buildkitd"),
        Prefix = manifest.Prefix,
        Worker = manifest.Worker,
        Isolated = manifest.Isolated,
        VsockPort = manifest.VsockPort,
        ListenTcp = manifest.ListenTcp,
        Namespace = manifest.Namespace,
        Group = manifest.Group,
        InstalledAt = manifest.InstalledAt,
        Integrity = manifest.Integrity,
        PreviousVersion = manifest.Previous?.Version,
        Files = FilesOf(manifest),
        Vulnerabilities = VulnerabilitiesOf(manifest.Version),
    };

    private static IReadOnlyList<InstalledFile> FilesOf(InstallationManifest? manifest)
    {
        IReadOnlyList<HostChange> changes = manifest?.Changes ?? [];
        return
        [
            .. changes.OfType<FileWritten>().Select(file => new InstalledFile(file.Target, StateOf(file.Target, file.Sha256, null))),
            .. changes.OfType<TextWritten>().Select(text => new InstalledFile(text.Target, StateOf(text.Target, text.Sha256, text.User))),
        ];
    }

    private static string StateOf(string path, string sha256, string? user)
    {
        try
        {
            return ActingUser.Run(Identity.Current().Uid == 0 ? user : null, () => FileHash.Of(path)) switch
            {
                null => "missing",
                var now when now == sha256 => "as installed",
                _ => "changed",
            };
        }
        catch (Exception error) when (error is UnauthorizedAccessException or HostException)
        {
            return "not accessible";
        }
        catch (IOException)
        {
            return "changed";
        }
    }

    private static string? StateOf(string unit)
    {
        if (!Systemctl.IsRunning)
        {
            return null;
        }

        IReadOnlyDictionary<string, string> state = Systemctl.Show(unit, "LoadState", "ActiveState", "UnitFileState");
        return state.GetValueOrDefault("LoadState") == "not-found"
            ? null
            : $"{state.GetValueOrDefault("ActiveState")}, {state.GetValueOrDefault("UnitFileState")}";
    }

    private static string? VersionOf(string program)
    {
        // "buildkitd github.com/moby/buildkit v0.32.2 REVISION"
        string[] words = HostCommand.Run(program, ["--version"]).Output.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words.Length > 2 ? words[2] : null;
    }

    internal static IReadOnlyList<string> VulnerabilitiesOf(string version)
    {
        try
        {
            return KnownReleases.VulnerabilitiesOf(BuildKitVersion.Parse(version));
        }
        catch (HostException)
        {
            return [];
        }
    }
}
