using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Installations;

/// <summary>The result of a removal.</summary>
internal sealed record RemovalResult(IReadOnlyList<HostStepOutcome> Steps, IReadOnlyList<string> Messages)
{
    public bool Changed => Steps.Any(static step => step.Result == StepResult.Changed);
}

/// <summary>
/// Undoes the changes of a manifest, newest first, each only where the file is still as written. Without purging, it keeps what others may
/// use or what holds work.
/// </summary>
internal sealed class ManifestRemoval(IHostObserver observer)
{
    /// <summary>Removes the changes of a manifest.</summary>
    public RemovalResult Remove(
        InstallationManifest manifest,
        bool purge,
        bool planOnly,
        CancellationToken cancellationToken,
        string records = ChangeJournal.StateDirectory,
        string downloads = SystemPaths.Downloads)
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
                    if (purge && change is TextWritten { KeepWithoutPurge: true, Prior: null } text)
                    {
                        // A purge removes settings even when they were edited, as purging a package does.
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
            throw new HostException(HostErrorKind.CommandFailed, $"Some items could not be removed: {string.Join("; ", failed)}", "Fix the cause and run the command again: it continues with the remaining changes.");
        }

        return new RemovalResult(outcomes, messages);
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

        TreeRemoval.Remove(downloads);
        Systemctl.TryReload();
        ChangeJournal.RemoveStateIfEmpty(records);
    }

    private static StepKind KindOf(HostChange change) => change switch
    {
        PackagesInstalled => StepKind.Package,
        GroupCreated => StepKind.Group,
        UnitEnabled or UnitStarted => StepKind.Unit,
        UserCreated or SubordinateIdsAdded or LingerEnabled => StepKind.User,
        _ => StepKind.File,
    };

    private static string Verb(HostChange change) => change switch
    {
        PackagesInstalled { Added: { Count: > 1 } added } => $"Purge the packages ({string.Join(", ", added)})",
        PackagesInstalled => "Purge the package",
        GroupCreated => "Delete the group",
        UnitEnabled => "Disable the unit",
        UnitStarted => "Stop the unit",
        UserCreated => "Delete the user",
        SubordinateIdsAdded ids => $"Remove the subordinate ids of {ids.User} from",
        LingerEnabled => "Disable lingering of the user",
        ProfileLoaded => "Unload the AppArmor profile",
        EngineStateCreated or DirectoryCreated { WithContent: true } => "Remove the directory and its content",
        DirectoryCreated or FolderCreated => "Remove the directory",
        CniResults => CniResults.Removal,
        FileWritten { Backup: not null } or TextWritten { Prior: not null } => "Restore the previous file",
        _ => "Remove the file",
    };
}
