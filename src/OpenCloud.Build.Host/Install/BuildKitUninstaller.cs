using OpenCloud.Build.Host.Access;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Removes an installation by its manifest, newest change first. A change is undone only where the file is still as written. Without purging,
/// it keeps what others may use or what holds work: packages, groups, users with their subordinate ids, settings, and the engine's state.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
public sealed class BuildKitUninstaller(IHostObserver observer)
{
    private static readonly TimeSpan LockTimeout = TimeSpan.FromMinutes(10);

    /// <summary>Removes root's engine.</summary>
    /// <param name="purge">Also removes what is kept otherwise.</param>
    /// <param name="planOnly">Only reports what would be removed.</param>
    /// <param name="cancellationToken">Stops between two steps; another run continues from there.</param>
    /// <exception cref="HostException">This module installed nothing, or root is needed.</exception>
    public InstallResult Uninstall(bool purge, bool planOnly, CancellationToken cancellationToken)
    {
        if (!planOnly)
        {
            SystemLayout.RequireRoot();
        }

        using HostLock? hostLock = planOnly ? null : HostLock.Take(LockTimeout, observer.Warning, cancellationToken);
        if (Load(ChangeJournal.StateDirectory, planOnly, out IReadOnlyList<string>? left) is { } manifest)
        {
            return Result(manifest, new ManifestRemoval(observer).Remove(manifest, purge, planOnly, cancellationToken));
        }

        if (left is null)
        {
            throw new HostException(HostErrorKind.NotFound, "This module did not install BuildKit on this host.", "Remove BuildKit the way it was installed.");
        }

        TreeRemoval.Remove(SystemPaths.Downloads);
        ChangeJournal.RemoveStateIfEmpty();
        return TakenBack("/usr/local", BuildKitWorker.Containerd, "buildkit", left) with { PreviousVersion = "unknown" };
    }

    /// <summary>Removes a rootless engine.</summary>
    /// <param name="user">The engine's user; null for the caller, the user behind sudo, or the only rootless engine.</param>
    /// <param name="purge">Also removes what is kept otherwise.</param>
    /// <param name="planOnly">Only reports what would be removed.</param>
    /// <param name="cancellationToken">Stops between two steps; another run continues from there.</param>
    /// <exception cref="HostException">This module installed no such engine, or root is needed.</exception>
    public InstallResult UninstallRootless(string? user, bool purge, bool planOnly, CancellationToken cancellationToken)
    {
        uint caller = Identity.Current().Uid;
        string name = user ?? (caller == 0 && RootlessInstallations.OfRoot().ToArray() is [{ Rootless.User: var only }] ? only : RootlessLayout.NameOf(null));
        UserAccount account = AccountDatabase.RequireUser(name);
        bool asRoot = caller == 0 || account.Uid != caller;
        if (!asRoot && InstallationManifest.Load(RootlessPaths.RecordsOf(account, false)) is null && InstallationManifest.Load(RootlessPaths.RecordsOf(account, true)) is not null)
        {
            asRoot = true;
        }

        if (asRoot && caller != 0 && !planOnly)
        {
            throw new HostException(HostErrorKind.NotRoot, $"root installed the engine of '{name}', so only root can remove it.", "Run the command as root.", name);
        }

        RootlessPaths draft = new(account, asRoot, string.Empty, string.Empty, false);
        using HostLock? hostLock = planOnly ? null : draft.TakeLock(LockTimeout, observer.Warning, cancellationToken);
        if (Load(draft.Records, planOnly, out IReadOnlyList<string>? left) is not { } manifest)
        {
            if (left is null)
            {
                throw new HostException(HostErrorKind.NotFound, $"This module did not install a rootless engine for '{name}' on this host.", caller == 0 ? "An engine that a user installed is removed by that user." : "Remove BuildKit the way it was installed.", name);
            }

            draft.DropEmptyRecords();
            return TakenBack(string.Empty, BuildKitWorker.Oci, name, left) with { User = name };
        }

        RootlessPaths paths = manifest.RootlessPaths(asRoot);
        if (caller == 0)
        {
            RootlessAccess.Unshare(paths, observer, planOnly, restart: false, cancellationToken);
        }
        else if (paths.SharedGroup is { } group)
        {
            throw new HostException(HostErrorKind.Conflict, $"root shares this engine with the group '{group}'.", $"Run as root first: {RevokeLine(name, group)}", name);
        }
        else if (!planOnly)
        {
            File.Delete(paths.RootScript);
        }

        if (asRoot)
        {
            manifest = SharedChanges.HandOver(manifest, RootlessInstallations.OfRoot(), planOnly);
        }

        // Links must be resolved while the program exists.
        string? profile = asRoot ? null : AppArmorProfile.For(new HostView().RealPath(manifest.Rootless!.RootlessKit)).Path;
        InstallResult result = Result(manifest, new ManifestRemoval(observer).Remove(manifest, purge, planOnly, cancellationToken, paths.Records, paths.Downloads));
        if (planOnly)
        {
            return result with { User = name };
        }

        paths.DropEmptyRecords();
        return result with { User = name, RootScript = asRoot ? null : RootScript(name, profile!) };
    }

    // The manifest. Without one, an interrupted installation's changes are undone, and left has what was left alone.
    private InstallationManifest? Load(string records, bool planOnly, out IReadOnlyList<string>? left)
    {
        InstallationManifest? manifest = InstallationManifest.Load(records);
        left = manifest is null && !planOnly && ChangeJournal.IsInterruptedIn(records) ? ChangeJournal.UndoInterrupted(records, observer.Verbose) : null;
        return manifest;
    }

    private static InstallResult TakenBack(string prefix, BuildKitWorker worker, string group, IReadOnlyList<string> left) => new()
    {
        Version = "unknown",
        Prefix = prefix,
        Worker = worker,
        Group = group,
        Changed = true,
        Steps = [],
        Messages = [.. left, "The changes of an interrupted installation were reverted."],
    };

    private static InstallResult Result(InstallationManifest manifest, RemovalResult removal) => new()
    {
        Version = manifest.Version,
        PreviousVersion = manifest.Version,
        Prefix = manifest.Prefix,
        Worker = manifest.Worker,
        Isolated = manifest.Isolated,
        VsockPort = manifest.VsockPort,
        ListenTcp = manifest.ListenTcp,
        Group = manifest.Group,
        Changed = removal.Changed,
        Steps = removal.Steps,
        Messages = removal.Messages,
    };

    // The command line for root that ends the sharing with a group.
    private static string RevokeLine(string engineUser, string group)
    {
        IReadOnlyList<string> users = AccountDatabase.FindGroup(group)?.Members ?? [];
        IReadOnlyList<string> services = ServiceGrant.UnitsWith(group);
        return RootLine.Of(
            "Revoke-BuildKitAccess",
            ("Rootless", true),
            ("EngineUser", engineUser),
            ("User", users.Count > 0 ? users : null),
            ("Service", services.Count > 0 ? services : null));
    }

    // The script that undoes what root did for the user with the installation's script; null when nothing is left to undo.
    private string? RootScript(string name, string profile)
    {
        List<string> lines = new();
        if (File.Exists($"/var/lib/systemd/linger/{name}"))
        {
            observer.Warning($"{name} still has lingering enabled. If no other service needs it: sudo loginctl disable-linger {name}");
            lines.Add($"loginctl disable-linger {name}");
        }

        if (OwnedText.OwnerOf(profile) == TextOwner.Module)
        {
            observer.Warning($"The AppArmor profile of {name}'s rootlesskit is still loaded: sudo apparmor_parser -R {profile} && sudo rm {profile}");
            lines.Add($"# Other engines may use the same program.\napparmor_parser -R {profile} || :\nrm -f {profile} /var/cache/apparmor/*/{Path.GetFileName(profile)}");
        }

        return lines.Count == 0 ? null : $"#!/bin/sh\n# Commands that root can run to remove the rest of the engine of {name}.\nset -eu\n{string.Join('\n', lines)}\n";
    }
}
