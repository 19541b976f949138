using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;

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
            throw new HostException(HostErrorKind.NotRoot, "Changing this host requires root.", "Run the command as root.");
        }

        using HostLock? hostLock = planOnly ? null : HostLock.Take(TimeSpan.FromMinutes(10), observer.Warning, cancellationToken);
        InstallationManifest? manifest = InstallationManifest.Load();
        if (manifest is null && ChangeJournal.IsInterrupted && !planOnly)
        {
            // Only the journal of an interrupted installation exists.
            IReadOnlyList<string> left = ChangeJournal.TakeBack(ChangeJournal.StateDirectory, observer.Verbose);
            TextSteps.DropUnusedBackups([]);
            TreeRemoval.Remove(SystemPaths.Downloads);
            ChangeJournal.RemoveStateIfEmpty();
            return new InstallResult { Version = "unknown", PreviousVersion = "unknown", Prefix = "/usr/local", Worker = BuildKitWorker.Containerd, Group = "buildkit", Changed = true, Steps = [], Messages = [.. left, "The changes of an interrupted installation were reverted."] };
        }

        if (manifest is null)
        {
            throw new HostException(HostErrorKind.NotFound, "This module did not install BuildKit on this host.", "Remove BuildKit the way it was installed.");
        }

        return Result(manifest, new ManifestRemoval(observer).Remove(manifest, purge, planOnly, cancellationToken));
    }

    internal static InstallResult Result(InstallationManifest manifest, RemovalResult removal) => new()
    {
        Version = manifest.Version,
        PreviousVersion = manifest.Version,
        Prefix = manifest.Prefix,
        Worker = manifest.Worker,
        Isolated = manifest.Isolated,
        VsockPort = manifest.VsockPort,
        Group = manifest.Group,
        Changed = removal.Changed,
        Steps = removal.Steps,
        Messages = removal.Messages,
    };
}
