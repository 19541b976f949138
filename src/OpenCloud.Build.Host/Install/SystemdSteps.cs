using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Containerd;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>The steps of an installation besides the programs, on a host with systemd.</summary>
internal sealed class SystemdSteps(InstallPlan plan, IHostObserver observer, Action beforeExchange, List<string> messages, IsolationSteps isolation)
{
    private bool _socketChanged;

    private UnitTemplates Texts => plan.Texts;

    /// <summary>Installs the worker's package and the group: the slowest and least reliable steps, before any program is replaced.</summary>
    public void BeforePrograms(StepRunner runner, CancellationToken cancellationToken)
    {
        if (Texts.Worker == BuildKitWorker.Containerd)
        {
            Containerd(runner, cancellationToken);
        }

        runner.Run(
            new HostStep(
                StepKind.Group,
                Texts.Group,
                "Create the group",
                () => AccountDatabase.FindGroup(Texts.Group) is not null,
                () => new GroupCreated(Texts.Group) { KeepWithoutPurge = true },
                stop => HostCommand.Require("groupadd", ["--system", "--", Texts.Group], stop)),
            cancellationToken);
    }

    /// <summary>Installs the socket's directory, settings and units; enables both units, and starts them unless noStart is set.</summary>
    public void AfterPrograms(StepRunner runner, bool noStart, bool wasActive, Func<bool> exchanged, CancellationToken cancellationToken)
    {
        runner.Run(TextSteps.Folder(Path.GetDirectoryName(SystemPaths.TmpfilesPath)!), cancellationToken);
        runner.Run(TextSteps.Write(SystemPaths.TmpfilesPath, Texts.Tmpfiles), cancellationToken);
        runner.Run(SocketDirectory(), cancellationToken);
        isolation.Plugin(runner, cancellationToken);
        Settings(runner, cancellationToken);
        _socketChanged = Unit(plan.Socket!, runner, cancellationToken);
        Unit(plan.Service!, runner, cancellationToken);

        // The engine creates its state at its first start. It is recorded before, so a failed installation removes it.
        runner.Run(
            new HostStep(
                StepKind.File,
                SystemPaths.EngineState,
                "Create the directory",
                () => Directory.Exists(SystemPaths.EngineState),
                () => new DirectoryCreated(SystemPaths.EngineState, WithContent: true) { KeepWithoutPurge = true },
                _ => Directory.CreateDirectory(SystemPaths.EngineState, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)),
            cancellationToken);

        foreach (string unit in (string[])[SystemPaths.SocketUnit, SystemPaths.ServiceUnit])
        {
            runner.Run(
                new HostStep(StepKind.Unit, unit, "Enable the unit at boot", () => Systemctl.IsEnabled(unit), () => new UnitEnabled(unit), _ => Systemctl.Enable(unit)),
                cancellationToken);
        }

        if (noStart && !wasActive)
        {
            return;
        }

        // systemd refuses to restart a socket whose service runs.
        bool restart = exchanged() || _socketChanged;
        runner.Run(
            new HostStep(
                StepKind.Unit,
                SystemPaths.SocketUnit,
                restart && Systemctl.IsActive(SystemPaths.SocketUnit) ? "Restart the unit" : "Start the unit",
                () => Systemctl.IsActive(SystemPaths.SocketUnit) && !_socketChanged,
                () => Systemctl.IsActive(SystemPaths.SocketUnit) ? null : new UnitStarted(SystemPaths.SocketUnit),
                stop =>
                {
                    if (Systemctl.IsActive(SystemPaths.ServiceUnit))
                    {
                        HostCommand.Require("systemctl", ["stop", "--", SystemPaths.ServiceUnit], stop);
                    }

                    Systemctl.Restart(SystemPaths.SocketUnit, stop);
                }),
            cancellationToken);
        runner.Run(
            new HostStep(
                StepKind.Unit,
                SystemPaths.ServiceUnit,
                wasActive ? "Restart the unit" : "Start the unit",
                () => Systemctl.IsActive(SystemPaths.ServiceUnit) && !restart,
                () => wasActive ? null : new UnitStarted(SystemPaths.ServiceUnit),
                stop => Systemctl.Restart(SystemPaths.ServiceUnit, stop)),
            cancellationToken);
    }

    private void Containerd(StepRunner runner, CancellationToken cancellationToken)
    {
        if (plan.InstallContainerd)
        {
            foreach (string? package in Packages.WouldInstall(ContainerdPresence.Package, cancellationToken).Where(package => package != ContainerdPresence.Package))
            {
                // Reported so nobody is surprised; it is a dependency of the package below.
                observer.Verbose($"The package {package} is installed with {ContainerdPresence.Package}.");
                messages.Add($"The package {package} is installed with {ContainerdPresence.Package}.");
            }

            runner.Run(
                new HostStep(
                    StepKind.Package,
                    ContainerdPresence.Package,
                    "Install the package",
                    () => false,
                    () => new PackagesInstalled(
                        ContainerdPresence.Package,
                        Packages.Installed(),
                        [.. ContainerdPresence.Directories.Where(directory => !Directory.Exists(directory))],
                        null)
                    { KeepWithoutPurge = true },
                    stop =>
                    {
                        observer.Progress("Installing containerd", "apt-get update", null);
                        if (Packages.Refresh(stop) is { } why)
                        {
                            observer.Verbose($"The package lists cannot be updated ({why}); the existing lists are used to install containerd.");
                        }

                        observer.Progress("Installing containerd", "apt-get install", null);
                        Packages.Install(ContainerdPresence.Package, observer.Verbose, stop);
                    }),
                cancellationToken);
        }
        else
        {
            UseContainerd(runner, cancellationToken);
        }

        if (plan.Containerd.HasUnit && !Systemctl.IsActive(ContainerdPresence.Unit))
        {
            runner.Run(
                new HostStep(
                    StepKind.Unit,
                    ContainerdPresence.Unit,
                    "Start the unit",
                    () => false,
                    () => new UnitStarted(ContainerdPresence.Unit) { KeepWithoutPurge = true },
                    stop => Systemctl.Start(ContainerdPresence.Unit, stop)),
                cancellationToken);
        }

        ContainerdPresence now = ContainerdPresence.Detect();
        if (now.Version is { } version && version < new Version(1, 7))
        {
            Warn($"containerd {version} is older than 1.7, the oldest version that its project supports. Builds are tested with it, but it receives no fixes.");
        }

        foreach (string known in now.Vulnerabilities)
        {
            Warn($"containerd {now.Description}: {known}.");
        }

        if (now.Vulnerabilities.Count > 0)
        {
            Warn(now.FromPackage is { } package
                ? $"The package sources of this host have no {package.Name} newer than {package.Version}. Update-BuildKit upgrades it when a newer one is available. -Worker Oci does not require containerd."
                : "It is not from a package of the distribution, so it is not changed. -Worker Oci does not require containerd.");
        }
    }

    // Uses the installed one unless it has known vulnerabilities and the distribution has a newer version. A failed installation does
    // not undo an upgrade, because that would restore a vulnerable version.
    private void UseContainerd(StepRunner runner, CancellationToken cancellationToken)
    {
        string? newer = plan.UpgradeContainerd;
        runner.Run(
            newer is null
                ? new HostStep(StepKind.Package, ContainerdPresence.Package, "Use the existing", () => true, () => null, _ => { })
                : new HostStep(
                    StepKind.Package,
                    plan.Containerd.FromPackage!.Value.Name,
                    $"Upgrade the package to {newer}, because {plan.Containerd.FromPackage.Value.Version} has known vulnerabilities:",
                    () => false,
                    () => null,
                    stop =>
                    {
                        observer.Progress("Upgrading containerd", "apt-get install --only-upgrade", null);
                        Packages.Upgrade(plan.Containerd.FromPackage.Value.Name, stop);
                    }),
            cancellationToken);
    }

    private void Warn(string text)
    {
        messages.Add(text);
        observer.Warning(text);
    }

    private HostStep SocketDirectory() => new(
        StepKind.File,
        SystemPaths.SocketDirectory,
        "Create the directory",
        () => FileStatus.Read(SystemPaths.SocketDirectory) is { Type: InodeType.Directory, Mode: SystemPaths.SocketDirectoryMode, Uid: 0 } status &&
            status.Gid == AccountDatabase.FindGroup(Texts.Group)?.Gid,
        () => Directory.Exists(SystemPaths.SocketDirectory) ? null : new DirectoryCreated(SystemPaths.SocketDirectory, WithContent: true),
        stop => HostCommand.Require("systemd-tmpfiles", ["--create", SystemPaths.TmpfilesPath], stop));

    private void Settings(StepRunner runner, CancellationToken cancellationToken)
    {
        if (OwnedText.OwnerOf(SystemPaths.SettingsPath) is TextOwner.User or TextOwner.EditedByUser)
        {
            messages.Add($"'{SystemPaths.SettingsPath}' was edited and is kept.");
            observer.Verbose(messages[^1]);
            runner.Run(new HostStep(StepKind.File, SystemPaths.SettingsPath, "Keep your settings", () => true, () => null, _ => { }), cancellationToken);
            return;
        }

        runner.Run(TextSteps.Folder(Path.GetDirectoryName(SystemPaths.SettingsPath)!, keepWithoutPurge: true), cancellationToken);
        runner.Run(TextSteps.Write(SystemPaths.SettingsPath, Texts.Settings, beforeExchange, keepWithoutPurge: true), cancellationToken);
    }

    private bool Unit(UnitDecision decision, StepRunner runner, CancellationToken cancellationToken)
    {
        if (decision.Note is not null)
        {
            Warn(decision.Note);
        }

        if (decision.Path is null)
        {
            return false;
        }

        runner.Run(TextSteps.Folder(Path.GetDirectoryName(decision.Path)!), cancellationToken);
        int before = runner.Outcomes.Count;
        runner.Run(TextSteps.Write(decision.Path, decision.Text, beforeExchange), cancellationToken);
        return runner.Outcomes[before].Result == StepResult.Changed;
    }
}
