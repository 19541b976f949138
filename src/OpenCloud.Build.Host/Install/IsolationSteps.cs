using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>The additional steps of an engine without a network, and their removal when the engine gets its network back.</summary>
internal sealed class IsolationSteps(InstallPlan plan, InstallationManifest? manifest, Action beforeExchange)
{
    private readonly List<HostChange> _retired = [];

    /// <summary>The recorded changes that were undone because they are no longer wanted.</summary>
    public IReadOnlyCollection<HostChange> Retired => _retired;

    private Isolation? Wanted => plan.Texts.Isolation;

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
    public void Plugin(StepRunner runner, CancellationToken cancellationToken)
    {
        if (Wanted is not { } isolation)
        {
            return;
        }

        foreach (string folder in isolation.Folders)
        {
            runner.Run(TextSteps.Folder(folder), cancellationToken);
        }

        foreach (string plugin in isolation.Plugins)
        {
            runner.Run(TextSteps.Write(plugin, Isolation.Plugin, beforeExchange, executable: true), cancellationToken);
        }

        runner.Run(TextSteps.Write(isolation.NetworksPath, Isolation.Networks, beforeExchange), cancellationToken);
        runner.Run(CniResults.Expect(manifest?.Changes ?? []), cancellationToken);
    }

    /// <summary>Opens the vsock port, after the engine's own units are installed.</summary>
    public void Vsock(StepRunner runner, bool start, CancellationToken cancellationToken)
    {
        if (Wanted is not { VsockPort: not null } isolation)
        {
            return;
        }

        int before = runner.Outcomes.Count;
        runner.Run(TextSteps.Write(Isolation.VsockSocketUnitPath, isolation.VsockSocket), cancellationToken);
        runner.Run(TextSteps.Write(Isolation.VsockServiceUnitPath, isolation.VsockService), cancellationToken);
        bool changed = runner.Outcomes.Skip(before).Any(outcome => outcome.Result == StepResult.Changed);
        const string Unit = Isolation.VsockSocketUnit;
        runner.Run(
            new HostStep(StepKind.Unit, Unit, "Enable the unit at boot", () => Systemctl.IsEnabled(Unit), () => new UnitEnabled(Unit), _ => Systemctl.Enable(Unit)),
            cancellationToken);
        if (!start)
        {
            return;
        }

        runner.Run(
            new HostStep(
                StepKind.Unit,
                Unit,
                changed && Systemctl.IsActive(Unit) ? "Restart the unit" : "Start the unit",
                () => Systemctl.IsActive(Unit) && !changed,
                () => Systemctl.IsActive(Unit) ? null : new UnitStarted(Unit),
                stop =>
                {
                    // systemd refuses to restart a socket whose service runs.
                    Systemctl.TryStop(Isolation.VsockServiceUnit);
                    Systemctl.Restart(Unit, stop);
                }),
            cancellationToken);
    }

    /// <summary>
    /// Undoes the changes of an earlier installation that this one does not want. It runs last, when no later failure can require
    /// their restoration.
    /// </summary>
    public void Retire(StepRunner runner, Action<string> report, CancellationToken cancellationToken)
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

            bool unwanted = Isolation.IsOfVsock(change.Target) ? Wanted?.VsockPort is null : Isolation.IsOfPlugin(change.Target, manifest.Prefix) && Wanted is null;
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

                    change.Undo(report);
                });
            if (runner.Run(step, cancellationToken))
            {
                _retired.Add(change);
            }
        }
    }

    // Settings that the user edited may still name the plugin; without it no step would run.
    private bool SettingsNameIt()
        => Wanted is null && File.Exists(SystemPaths.SettingsPath) && OwnedText.OwnerOf(SystemPaths.SettingsPath) is not TextOwner.Module &&
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
