using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>The additional steps of an engine without a network, and their removal when the engine gets its network back.</summary>
internal sealed class IsolationSteps(InstallRun run, InstallationManifest? manifest, Isolation? wanted)
{
    private readonly List<HostChange> _retired = [];

    /// <summary>The recorded changes that were undone because they are no longer wanted.</summary>
    public IReadOnlyCollection<HostChange> Retired => _retired;

    /// <summary>Decides about the network: the requested setting, else the installed one. Reports when an engine stays isolated unasked.</summary>
    /// <exception cref="HostException">The request is impossible.</exception>
    public static (bool IsIsolated, uint? VsockPort, BuildKitWorker Worker) Decide(InstallOptions options, InstallationManifest? installed, Action<string> warn)
    {
        bool isolated = options.Isolated ?? installed?.Isolated ?? false;
        if (!isolated)
        {
            return options.VsockPort is > 0
                ? throw new HostException(HostErrorKind.InvalidInput, "-VsockPort requires an isolated engine.", "Use -Isolated as well.")
                : (false, null, options.Worker ?? (installed is { Isolated: true } ? installed.Worker : BuildKitWorker.Containerd));
        }

        if (options.VsockPort == uint.MaxValue)
        {
            throw new HostException(HostErrorKind.InvalidInput, $"{uint.MaxValue} is not a vsock port: this number means any port.", "Use a port between 1 and 4294967294.");
        }

        if (options.Worker == BuildKitWorker.Containerd)
        {
            throw new HostException(
                HostErrorKind.InvalidInput,
                "An isolated engine cannot use the worker Containerd: containerd is a daemon on the host's network.",
                "Use -Worker Oci, or do not use -Worker.");
        }

        if (options.Isolated is null)
        {
            warn("The existing engine is isolated and stays isolated. To give it the host's network, use -Isolated:$false.");
        }

        return (true, options.VsockPort is { } port ? (port == 0 ? null : port) : installed?.VsockPort, BuildKitWorker.Oci);
    }

    /// <summary>Refuses conflicts before anything is changed.</summary>
    /// <exception cref="HostException">The user's own settings or units conflict, or the host lacks systemd's proxy.</exception>
    public static void Check(UnitTemplates texts)
    {
        if (texts.Isolation is not { } isolation)
        {
            return;
        }

        RefuseForeign(SystemPaths.SettingsPath, texts.Settings, "can give build steps a network");
        if (isolation.VsockPort is null)
        {
            return;
        }

        if (!File.Exists(Isolation.Proxy))
        {
            throw new HostException(HostErrorKind.Unsupported, $"The program {Isolation.Proxy}, which connects vsock to the engine, does not exist.", "Install the systemd package that contains it, or do not use -VsockPort.");
        }

        RefuseForeign(Isolation.VsockSocketUnitPath, isolation.VsockSocket, "does not provide access to the engine");
        RefuseForeign(Isolation.VsockServiceUnitPath, isolation.VsockService, "does not provide access to the engine");
    }

    /// <summary>Installs the plugin that sets up no network, before the engine starts with it.</summary>
    public void Plugin()
    {
        if (wanted is not { } isolation)
        {
            return;
        }

        run.Runner.Run(isolation.Folders.Select(folder => FileSteps.Folder(folder)));
        run.Runner.Run(isolation.Plugins.Select(plugin => FileSteps.Write(plugin, Isolation.Plugin, before: run.BeforeExchange, isProgram: true)));
        run.Runner.Run(FileSteps.Write(isolation.NetworksPath, Isolation.Networks, before: run.BeforeExchange));
        run.Runner.Run(CniResults.Expect(manifest?.Changes ?? []));
    }

    /// <summary>Opens the vsock port, after the engine's own units are installed.</summary>
    public void Vsock(bool start)
    {
        if (wanted is not { VsockPort: not null } isolation)
        {
            return;
        }

        int before = run.Runner.Outcomes.Count;
        run.Runner.Run(FileSteps.Write(Isolation.VsockSocketUnitPath, isolation.VsockSocket));
        run.Runner.Run(FileSteps.Write(Isolation.VsockServiceUnitPath, isolation.VsockService));
        bool changed = run.Runner.Outcomes.Skip(before).Any(outcome => outcome.Result == StepResult.Changed);
        ManagedUnit unit = new(Isolation.VsockSocketUnit, null);
        run.Runner.Run(SystemSteps.Enable(unit));
        if (!start)
        {
            return;
        }

        bool active = unit.IsActive;
        run.Runner.Run(SystemSteps.Start(unit, active, changed, Restart) with { Action = changed && active ? "Restart the unit" : "Start the unit" });

        static void Restart(CancellationToken cancellationToken)
        {
            // systemd refuses to restart a socket whose service runs.
            Systemctl.TryStop(Isolation.VsockServiceUnit);
            Systemctl.Restart(Isolation.VsockSocketUnit, cancellationToken);
        }
    }

    /// <summary>
    /// Undoes the changes of an earlier installation that this one does not want. It runs last, when no later failure can require
    /// their restoration.
    /// </summary>
    public void Retire()
    {
        if (manifest is not { IsInstalled: true })
        {
            return;
        }

        foreach (HostChange? change in manifest.Changes.Reverse())
        {
            if (Isolation.IsOfPlugin(change.Target, manifest.Prefix) && SettingsNameIt())
            {
                continue;
            }

            bool unwanted = Isolation.IsOfVsock(change.Target) ? wanted?.VsockPort is null : Isolation.IsOfPlugin(change.Target, manifest.Prefix) && wanted is null;
            if (!unwanted)
            {
                continue;
            }

            HostStep step = new(
                change is UnitEnabled or UnitStarted ? StepKind.Unit : StepKind.File,
                change.Target,
                change switch
                {
                    UnitEnabled => "Disable the unit",
                    UnitStarted => "Stop the unit",
                    DirectoryCreated => "Remove the directory",
                    CniResults => CniResults.Removal,
                    _ => "Remove the file",
                },
                () => false,
                () => null,
                _ =>
                {
                    if (change is UnitStarted)
                    {
                        Systemctl.TryStop(Isolation.VsockServiceUnit);
                    }

                    change.Undo(run.Warn);
                });
            if (run.Runner.Run(step))
            {
                _retired.Add(change);
            }
        }
    }

    // Settings that the user edited may still name the plugin; without it no step would run.
    private bool SettingsNameIt()
        => wanted is null && File.Exists(SystemPaths.SettingsPath) && OwnedText.OwnerOf(SystemPaths.SettingsPath) is not TextOwner.Module &&
            File.ReadAllText(SystemPaths.SettingsPath).Contains(Isolation.FolderOf(manifest!.Prefix), StringComparison.Ordinal);

    private static void RefuseForeign(string path, string wanted, string why)
    {
        if (OwnedText.OwnerOf(path) is not (TextOwner.User or TextOwner.EditedByUser))
        {
            return;
        }

        string text = File.ReadAllText(path);
        if (FileHash.Of(path) != FileHash.OfText(wanted))
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"'{path}' was edited and {why}; it is not overwritten. Differences (- present, + required):\n{TextDiff.Unified(text, wanted)}",
                $"Move '{path}' away and run the command again.",
                path);
        }
    }
}
