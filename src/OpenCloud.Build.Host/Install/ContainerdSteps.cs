using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Containerd;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>Installs containerd, upgrades one with a known vulnerability, or uses the present one.</summary>
internal sealed class ContainerdSteps(InstallRun run, ContainerdPresence present, bool skip)
{
    private string? _newer;

    /// <summary>Whether containerd will be a service of this host's systemd.</summary>
    public bool WillHaveUnit => WillInstall || present.HasUnit;

    private bool WillInstall => !skip && !present.IsThere;

    /// <exception cref="HostException">There is no containerd, and nothing to install it with.</exception>
    public static ContainerdSteps Create(InstallRun run, bool skip)
    {
        ContainerdPresence present = ContainerdPresence.Detect();
        return skip || present.IsThere || Packages.Available
            ? new ContainerdSteps(run, present, skip)
            : throw new HostException(HostErrorKind.Unsupported, "This host does not have containerd, and does not have apt to install it.", "Install containerd 1.7 or later, or use -Worker Oci, which does not require containerd.");
    }

    /// <summary>Looks for a newer package when the present one has a known vulnerability. A plan fetches no package lists.</summary>
    public void FindUpgrade()
    {
        if (skip || present is not { Vulnerabilities.Count: > 0, FromPackage: not null })
        {
            return;
        }

        if (!run.PlanOnly)
        {
            run.Observer.Progress("Looking for a fixed version of containerd", "apt-get update", null);
            if (Packages.Refresh(run.CancellationToken) is { } why)
            {
                run.Warn($"The package lists cannot be updated ({why}); the existing lists are used to find a fixed containerd.");
            }
        }

        _newer = present.NewerPackage();
    }

    public void Apply()
    {
        if (WillInstall)
        {
            foreach (string package in Packages.WouldInstall(ContainerdPresence.Package, run.CancellationToken).Where(package => package != ContainerdPresence.Package))
            {
                // Reported so nobody is surprised; it is a dependency of the package below.
                run.Note($"The package {package} is installed with {ContainerdPresence.Package}.");
            }
        }

        run.Runner.Run(WillInstall ? Install() : _newer is null ? HostStep.Done(StepKind.Package, ContainerdPresence.Package, "Use the existing") : Upgrade(_newer));
        if (present.HasUnit && !Systemctl.IsActive(ContainerdPresence.Unit))
        {
            run.Runner.Run(new HostStep(
                StepKind.Unit,
                ContainerdPresence.Unit,
                "Start the unit",
                () => false,
                () => new UnitStarted(ContainerdPresence.Unit) { KeepWithoutPurge = true },
                cancellationToken => Systemctl.Start(ContainerdPresence.Unit, cancellationToken)));
        }

        WarnOf(ContainerdPresence.Detect());
    }

    private HostStep Install() => new(
        StepKind.Package,
        ContainerdPresence.Package,
        "Install the package",
        () => false,
        () => new PackagesInstalled(
            ContainerdPresence.Package,
            Packages.Present(),
            [.. ContainerdPresence.Directories.Where(directory => !Directory.Exists(directory))],
            null)
        { KeepWithoutPurge = true },
        cancellationToken =>
        {
            run.Observer.Progress("Installing containerd", "apt-get update", null);
            if (Packages.Refresh(cancellationToken) is { } why)
            {
                run.Observer.Verbose($"The package lists cannot be updated ({why}); the existing lists are used to install containerd.");
            }

            run.Observer.Progress("Installing containerd", "apt-get install", null);
            Packages.Install(ContainerdPresence.Package, run.Observer.Verbose, cancellationToken);
        });

    // A failed installation does not undo an upgrade, because that would restore a vulnerable version.
    private HostStep Upgrade(string newer)
    {
        (string name, string version) = present.FromPackage!.Value;
        return new HostStep(
            StepKind.Package,
            name,
            $"Upgrade the package to {newer}, because {version} has known vulnerabilities:",
            () => false,
            () => null,
            cancellationToken =>
            {
                run.Observer.Progress("Upgrading containerd", "apt-get install --only-upgrade", null);
                Packages.Upgrade(name, cancellationToken);
            });
    }

    private void WarnOf(ContainerdPresence now)
    {
        if (now.Version is { } version && version < new Version(1, 7))
        {
            run.Warn($"containerd {version} is older than 1.7, the oldest version that its project supports. Builds are tested with it, but it receives no fixes.");
        }

        foreach (string vulnerability in now.Vulnerabilities)
        {
            run.Warn($"containerd {now.Description}: {vulnerability}.");
        }

        if (now.Vulnerabilities.Count > 0)
        {
            run.Warn(now.FromPackage is { } package
                ? $"The package sources of this host have no {package.Name} newer than {package.Version}. Update-BuildKit upgrades it when a newer one is available. -Worker Oci does not require containerd."
                : "It is not from a package of the distribution, so it is not changed. -Worker Oci does not require containerd.");
        }
    }
}
