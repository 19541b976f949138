using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Removes an installation by its manifest, newest change first. A change is undone only where the file is still as written.
/// Without purging, it keeps what others may use: containerd, the group, the settings, and the engine's state.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
public sealed class BuildKitUninstaller(IHostObserver observer)
{
    /// <summary>Removes the installation.</summary>
    /// <param name="purge">Also removes what is kept otherwise.</param>
    /// <param name="planOnly">Only reports what would be removed.</param>
    /// <param name="cancellationToken">Stops between two steps; another run continues from there.</param>
    /// <exception cref="HostException">This module installed nothing, or root is needed.</exception>
    public InstallResult Uninstall(bool purge, bool planOnly, CancellationToken cancellationToken)
    {
        if (!planOnly && Identity.Current().Uid != 0)
        {
            throw new HostException(HostErrorKind.NotRoot, "Changing this host needs root.", "Run it as root.");
        }

        using HostLock? hold = planOnly ? null : HostLock.Take(TimeSpan.FromMinutes(10), observer.Warning, cancellationToken);
        InstallationManifest? manifest = InstallationManifest.Load();
        if (manifest is null && ChangeJournal.IsInterrupted && !planOnly)
        {
            // Only the journal of an interrupted installation exists.
            IReadOnlyList<string> left = ChangeJournal.TakeBack(ChangeJournal.StateDirectory, observer.Verbose);
            TextSteps.DropUnusedBackups([]);
            ReleaseAcquisition.RemoveDownloads();
            ChangeJournal.RemoveStateIfEmpty();
            return Result(new InstallationManifest { Version = "unknown", Prefix = "/usr/local", Worker = BuildKitWorker.Containerd, Namespace = string.Empty, Group = "buildkit", Programs = new Dictionary<string, string>(), Changes = [] }, [], [.. left, "What an interrupted installation had done was taken back."], changed: true);
        }

        if (manifest is null)
        {
            throw new HostException(HostErrorKind.NotFound, "This module has not installed BuildKit here.", "What it did not install it does not remove.");
        }

        return Remove(manifest, purge, planOnly, cancellationToken);
    }

    private static InstallResult Result(InstallationManifest manifest, IReadOnlyList<HostStepOutcome> steps, IReadOnlyList<string> messages, bool changed) => new()
    {
        Version = manifest.Version,
        PreviousVersion = manifest.Version,
        Prefix = manifest.Prefix,
        Worker = manifest.Worker,
        Isolated = manifest.Isolated,
        VsockPort = manifest.VsockPort,
        Group = manifest.Group,
        Changed = changed,
        Steps = steps,
        Messages = messages,
    };

    /// <summary>Removes the changes of a manifest.</summary>
    internal InstallResult Remove(
        InstallationManifest manifest,
        bool purge,
        bool planOnly,
        CancellationToken cancellationToken,
        string records = ChangeJournal.StateDirectory,
        string downloads = ReleaseAcquisition.DownloadDirectory)
    {
        List<HostStepOutcome> outcomes = new();
        List<string> messages = new();
        List<HostChange> kept = new();
        List<string> failed = new();
        foreach (HostChange? change in manifest.Changes.Reverse())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (change.KeepWithoutPurge && !purge)
            {
                kept.Add(change);
                continue;
            }

            HostStepInfo step = new(KindOf(change), change.Target, Verb(change));
            StepResult result = StepResult.Skipped;
            if (observer.Approve(step) && !planOnly)
            {
                try
                {
                    observer.Verbose($"{step.Action}: {step.Target}");
                    if (purge && change is FileWritten { KeepWithoutPurge: true, Backup: null } settings)
                    {
                        // A purge removes settings even when they were edited, as purging a package does.
                        WholeFile.Remove(settings.Target);
                    }

                    if (purge && change is TextWritten { KeepWithoutPurge: true, Prior: null } text)
                    {
                        ActingUser.Run(text.User, () => WholeFile.Remove(text.Target));
                    }

                    change.Undo(messages.Add);
                    result = StepResult.Changed;
                }
                catch (Exception error) when (error is HostException or IOException or UnauthorizedAccessException)
                {
                    failed.Add($"{change.Target}: {error.Message}");
                }
            }

            if (result != StepResult.Changed)
            {
                kept.Add(change);
            }

            HostStepOutcome outcome = new(step.Kind, step.Target, step.Action, result);
            outcomes.Add(outcome);
            observer.Report(outcome);
        }

        if (!planOnly)
        {
            kept.Reverse();
            Forget(manifest, kept, purge, records, downloads);
        }

        messages.ForEach(observer.Warning);
        if (failed.Count > 0)
        {
            throw new HostException(HostErrorKind.CommandFailed, $"Not all could be removed: {string.Join("; ", failed)}", "Mend that and run it again: it goes on with what is left.");
        }

        return Result(manifest, outcomes, messages, outcomes.Exists(outcome => outcome.Result == StepResult.Changed));
    }

    private static void Forget(InstallationManifest manifest, List<HostChange> kept, bool purge, string records, string downloads)
    {
        if (purge && kept.Count == 0)
        {
            File.Delete(Path.Combine(records, InstallationManifest.FileName));
        }
        else if (kept.TrueForAll(change => change.KeepWithoutPurge))
        {
            // The kept changes stay recorded, so a later purge or installation knows that they are this module's.
            (manifest with { Changes = kept, Programs = new Dictionary<string, string>(), Previous = null, Version = InstallationManifest.Removed }).Save(records);
            if (kept.Count == 0)
            {
                File.Delete(Path.Combine(records, InstallationManifest.FileName));
            }
        }
        else
        {
            (manifest with { Changes = kept }).Save(records);
        }

        if (records == ChangeJournal.StateDirectory)
        {
            TextSteps.DropUnusedBackups(kept);
        }

        ReleaseAcquisition.RemoveDownloads(downloads);
        Systemctl.TryReload();
        ChangeJournal.RemoveStateIfEmpty(records);
    }

    private static StepKind KindOf(HostChange change) => change switch
    {
        PackagesInstalled or PrerequisiteInstalled => StepKind.Package,
        GroupCreated => StepKind.Group,
        UnitEnabled or UnitStarted or RootlessUnitEnabled or RootlessUnitStarted => StepKind.Unit,
        UserCreated or SubordinateIdsAdded or LingerEnabled => StepKind.User,
        _ => StepKind.File,
    };

    private static string Verb(HostChange change) => change switch
    {
        PackagesInstalled { Added: { Count: > 1 } added } => $"Purge the packages ({string.Join(", ", added)})",
        PrerequisiteInstalled { Added: { Count: > 1 } added } => $"Purge the packages ({string.Join(", ", added)})",
        PackagesInstalled or PrerequisiteInstalled => "Purge the package",
        GroupCreated => "Delete the group",
        UnitEnabled or RootlessUnitEnabled => "Disable the unit",
        UnitStarted or RootlessUnitStarted => "Stop the unit",
        UserCreated => "Delete the user",
        SubordinateIdsAdded ids => $"Take back {ids.User}'s subordinate ids from",
        LingerEnabled => "End the lingering of the user",
        ProfileLoaded => "Unload the AppArmor profile",
        EngineStateCreated or DirectoryCreated { WithContent: true } => "Remove the directory and all in it",
        DirectoryCreated or FolderCreated => "Remove the directory",
        CniResults => CniResults.Removal,
        FileWritten { Backup: not null } => "Put back the file that was there",
        _ => "Remove the file",
    };
}
