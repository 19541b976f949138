using OpenCloud.Build.Host.Access;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Root's engine: units of the system, a socket for a group, and the worker of containerd or BuildKit's own. The units are null without
/// systemd. An isolated engine has <see cref="IsolationSteps"/> as well.
/// </summary>
internal sealed class SystemLayout(InstallRun run, InstallPlan plan, UnitTemplates templates, ContainerdSteps? containerd, UnitDecision? socket, UnitDecision? service) : EngineLayout(run, plan)
{
    private static readonly ManagedUnit SocketUnit = new(SystemPaths.SocketUnit, null);
    private static readonly ManagedUnit ServiceUnit = new(SystemPaths.ServiceUnit, null);

    private readonly IsolationSteps _isolation = new(run, plan.Manifest, templates.Isolation);
    private bool _socketChanged;

    public override string Prefix => templates.Prefix;

    public override BuildKitWorker Worker => templates.Worker;

    public override string Namespace => templates.Namespace;

    public override string Group => templates.Group;

    public override Isolation? Isolation => templates.Isolation;

    public override TlsListener? Tls => templates.Tls;

    public override string? Address => service is null ? null : "unix://" + SystemPaths.SocketPath;

    public override UnitRestored? Running => service is not null && ServiceUnit.IsActive ? new UnitRestored(SystemPaths.ServiceUnit, Socket: SystemPaths.SocketUnit) : null;

    public override IReadOnlyCollection<HostChange> Retired => _isolation.Retired;

    /// <exception cref="HostException">The caller is not root.</exception>
    public static void RequireRoot() => AccountDatabase.RequireRoot("Changing this host requires root.");

    /// <summary>Decides everything, and refuses impossible requests.</summary>
    /// <exception cref="HostException">The request is impossible; nothing is changed.</exception>
    public static SystemLayout Create(InstallRun run)
    {
        InstallationManifest? manifest = InstallationManifest.Load();
        InstallPlan plan = InstallPlan.Of(Kept(run, manifest), manifest);
        InstallOptions options = plan.Options;
        string prefix = CheckNames(options);
        if (plan.Installed is { } installed && installed.Prefix != prefix)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"BuildKit is installed under {installed.Prefix}; a second installation under {prefix} is not supported.",
                "Run Uninstall-BuildKit first.",
                prefix);
        }

        bool systemd = Systemctl.IsRunning;
        (bool isolated, uint? vsockPort, BuildKitWorker worker) = IsolationSteps.Decide(options, plan.Installed, run.Warn);
        if (isolated && !systemd)
        {
            throw new HostException(HostErrorKind.Unsupported, "An isolated engine requires systemd, which this host does not use.", "Use a host with systemd, or do not use -Isolated.");
        }

        ContainerdSteps? containerd = worker == BuildKitWorker.Containerd && systemd ? ContainerdSteps.Create(run, options.SkipContainerd) : null;
        UnitTemplates templates = new(prefix, options.Group, worker, options.Namespace, plan.Version, containerd is { WillHaveUnit: true });
        if (isolated)
        {
            templates = templates with { Isolation = new Isolation(prefix, options.Group, vsockPort) };
            IsolationSteps.Check(templates);
        }

        templates = templates with { Tls = TlsListenerSteps.Decide(options, plan.Installed, isolated, run.Warn, Identity.Current().Uid == 0) };
        if (templates.Tls is not null && !systemd)
        {
            throw new HostException(HostErrorKind.Unsupported, "An engine that listens on TCP requires systemd, which this host does not use.", "Use a host with systemd, or do not use -ListenTcp.");
        }

        if (systemd && Identity.Current().Uid == 0 && !SocketUnit.IsActive)
        {
            RefuseForeignEngine(SystemPaths.SocketPath, SystemPaths.ServiceUnit);
        }

        containerd?.FindUpgrade();
        return new SystemLayout(run, plan, templates, containerd, systemd ? UnitDecision.ForSocket(templates) : null, systemd ? UnitDecision.ForService(templates) : null);
    }

    public override void BeforePrograms()
    {
        if (service is null)
        {
            return;
        }

        containerd?.Apply();
        Run.Runner.Run(SystemSteps.CreateGroup(Group, keepWithoutPurge: true));
    }

    public override void WriteTexts()
    {
        if (service is null)
        {
            return;
        }

        StepRunner runner = Run.Runner;
        runner.Run(FileSteps.Folder(Path.GetDirectoryName(SystemPaths.TmpfilesPath)!));
        runner.Run(FileSteps.Write(SystemPaths.TmpfilesPath, templates.Tmpfiles));
        runner.Run(SocketDirectory());
        _isolation.Plugin();
        Settings(
            SystemPaths.SettingsPath,
            templates.Settings,
            OwnedText.OwnerOf(SystemPaths.SettingsPath),
            null,
            [FileSteps.Folder(Path.GetDirectoryName(SystemPaths.SettingsPath)!, keepWithoutPurge: true)]);
        _socketChanged = Write(socket!);
        Write(service);

        // The engine creates its state at its first start. It is recorded before, so a failed installation removes it.
        runner.Run(FileSteps.Folder(SystemPaths.EngineState, FileModes.OwnerOnly, withContent: true, keepWithoutPurge: true));
    }

    public override bool RequireManager()
    {
        if (service is null)
        {
            Run.Warn($"This host does not use systemd: the programs are installed in {Prefix}/bin and nothing was started. Invoke-ImageBuild -Daemonless starts an engine for one build.");
        }

        return service is not null;
    }

    public override void StartUnits(bool start)
    {
        Run.Runner.Run([SystemSteps.Enable(SocketUnit), SystemSteps.Enable(ServiceUnit)]);
        if (start)
        {
            bool restart = Run.Exchanged || _socketChanged;
            bool active = SocketUnit.IsActive;
            Run.Runner.Run(SystemSteps.Start(SocketUnit, active, _socketChanged, RestartSocket) with { Action = restart && active ? "Restart the unit" : "Start the unit" });
            Run.Runner.Run(SystemSteps.Start(ServiceUnit, Run.WasActive, restart));
        }

        _isolation.Vsock(start);
    }

    public override EngineVerifier Verifier()
    {
        uint gid = AccountDatabase.FindGroup(Group)?.Gid
            ?? throw new HostException(HostErrorKind.NotFound, $"The group '{Group}' does not exist.", target: Group);
        return new EngineVerifier(SystemPaths.SocketPath, Identity.NobodyIn(gid), ServiceUnit)
        {
            Denied = $"The engine runs, but a member of the group '{Group}' has no access to {SystemPaths.SocketPath}.",
            Open = (", which is equivalent to root", "Check the drop-ins of buildkit.socket for SocketMode, and check the ACLs."),
        };
    }

    public override void Retire()
    {
        _isolation.Retire();
        if (Isolation?.VsockPort is { } port && (Plan.Manifest?.VsockPort != port || Run.PlanOnly))
        {
            Run.Warn($"AF_VSOCK has no users and no modes: every process on this machine and on its host has access to the engine through port {port}, which is equivalent to root on this machine.");
        }

        if (Tls is { } tls && (!TlsListenerSteps.IsInstalled(tls, Plan.Manifest) || Run.PlanOnly))
        {
            Run.Warn($"Every client with a certificate of the authority in {tls.Directory}/{TlsListener.Authority} has access to the engine at tcp://{tls.Address}, which is equivalent to root on this machine.");
        }
    }

    private static void RestartSocket(CancellationToken cancellationToken)
    {
        // systemd refuses to restart a socket whose service runs.
        if (ServiceUnit.IsActive)
        {
            HostCommand.Require("systemctl", ["stop", "--", SystemPaths.ServiceUnit], cancellationToken);
        }

        Systemctl.Restart(SystemPaths.SocketUnit, cancellationToken);
    }

    private HostStep SocketDirectory() => new(
        StepKind.File,
        SystemPaths.SocketDirectory,
        "Create the directory",
        () => FileStatus.Read(SystemPaths.SocketDirectory) is { Type: InodeType.Directory, Mode: SystemPaths.SocketDirectoryMode, Uid: 0 } status &&
            status.Gid == AccountDatabase.FindGroup(Group)?.Gid,
        () => Directory.Exists(SystemPaths.SocketDirectory) ? null : new DirectoryCreated(SystemPaths.SocketDirectory, WithContent: true),
        cancellationToken => HostCommand.Require("systemd-tmpfiles", ["--create", SystemPaths.TmpfilesPath], cancellationToken));

    private bool Write(UnitDecision decision)
    {
        if (decision.Note is not null)
        {
            Run.Warn(decision.Note);
        }

        if (decision.Path is null)
        {
            return false;
        }

        Run.Runner.Run(FileSteps.Folder(Path.GetDirectoryName(decision.Path)!));
        Run.Runner.Run(FileSteps.Write(decision.Path, decision.Text, before: Run.BeforeExchange));
        return Run.Runner.Outcomes[^1].Result == StepResult.Changed;
    }

    // The options, with the settings that an update keeps.
    private static InstallOptions Kept(InstallRun run, InstallationManifest? manifest)
    {
        InstallOptions options = run.Options;
        if (run.Update)
        {
            options = manifest is not { IsInstalled: true }
                ? throw new HostException(HostErrorKind.NotFound, "This module did not install BuildKit on this host.", "Use Install-BuildKit.")
                : options with
                {
                    Prefix = manifest.Prefix,
                    Worker = manifest.Worker,
                    Namespace = manifest.Namespace,
                    Group = manifest.Group,
                    Isolated = manifest.Isolated,
                    VsockPort = manifest.VsockPort,
                    ListenTcp = manifest.ListenTcp,
                    CertificateDirectory = manifest.CertificateDirectory,
                };
        }

        return options.Rollback && manifest?.Previous is null
            ? throw new HostException(HostErrorKind.NotFound, "There is no previous version to restore.", "Use Update-BuildKit -Version.")
            : options;
    }

    private static string CheckNames(InstallOptions options)
    {
        string prefix = options.Prefix == "/" ? "/" : RootlessPaths.CheckPath(options.Prefix ?? "/usr/local", "prefix");
        RequirePrefixOfRoot(prefix);
        if (options.Namespace.Length is 0 or > 76 || !options.Namespace.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{AccountDatabase.Printable(options.Namespace)}' is not a valid containerd namespace.", target: options.Namespace);
        }

        if (AccountDatabase.FindGroup(options.Group) is not { } group)
        {
            AccountDatabase.CheckNewGroup(options.Group);
        }
        else if (group.Gid == 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "The group 'root' cannot be used for access to an engine.", target: options.Group);
        }

        return prefix;
    }
}
