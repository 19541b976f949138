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
/// Removes a rootless engine by its manifest, newest change first. Without purging, it keeps what others may use or what holds
/// work: packages, the user with its subordinate ids, settings, and the engine's state.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
public sealed class RootlessUninstaller(IHostObserver observer)
{
    /// <summary>Removes the engine.</summary>
    /// <param name="user">The engine's user; null for the caller, the user behind sudo, or the only rootless engine.</param>
    /// <param name="purge">Also removes what is kept otherwise.</param>
    /// <param name="planOnly">Only reports what would be removed.</param>
    /// <param name="cancellationToken">Stops between two steps; another run continues from there.</param>
    /// <exception cref="HostException">This module installed no such engine, or root is needed.</exception>
    public InstallResult Uninstall(string? user, bool purge, bool planOnly, CancellationToken cancellationToken)
    {
        uint caller = Identity.Current().Uid;
        string name = user ?? (caller == 0 && RootlessInstallations.OfRoot().ToArray() is [{ Rootless.User: var only }] ? only : RootlessPlan.NameOf(null));
        UserAccount account = AccountDatabase.FindUser(name)
            ?? throw new HostException(HostErrorKind.NotFound, $"The user '{AccountDatabase.Printable(name)}' does not exist.", target: AccountDatabase.Printable(name));
        bool asRoot = caller == 0 || account.Uid != caller;
        if (!asRoot && InstallationManifest.Load(RootlessPaths.RecordsOf(account, false)) is null && InstallationManifest.Load(RootlessPaths.RecordsOf(account, true)) is not null)
        {
            asRoot = true;
        }

        if (asRoot && caller != 0 && !planOnly)
        {
            throw new HostException(HostErrorKind.NotRoot, $"root installed the engine of '{name}', so only root can remove it.", "Run the command as root.", name);
        }

        string records = RootlessPaths.RecordsOf(account, asRoot);
        RootlessPaths draft = new(account, asRoot, string.Empty, string.Empty, false);
        using HostLock? hostLock = planOnly ? null : RootlessInstaller.TakeLock(draft, TimeSpan.FromMinutes(10), observer.Warning, cancellationToken);
        InstallationManifest? manifest = InstallationManifest.Load(records);
        if (manifest is null && ChangeJournal.IsInterruptedIn(records) && !planOnly)
        {
            IReadOnlyList<string> left = ChangeJournal.TakeBack(records, observer.Verbose);
            draft.DropEmptyRecords();
            return new InstallResult { Version = "unknown", Prefix = string.Empty, Worker = BuildKitWorker.Oci, Group = name, User = name, Changed = true, Steps = [], Messages = [.. left, "The changes of an interrupted installation were reverted."] };
        }

        if (manifest is null)
        {
            throw new HostException(HostErrorKind.NotFound, $"This module did not install a rootless engine for '{name}' on this host.", caller == 0 ? "An engine that a user installed is removed by that user." : "Remove BuildKit the way it was installed.", name);
        }

        RootlessPaths layout = manifest.RootlessPaths(asRoot);
        string? script = null;
        if (caller == 0)
        {
            RootlessAccess.Unshare(layout, observer, planOnly, restart: false, cancellationToken);
        }
        else if (layout.SharedGroup is { } group)
        {
            throw new HostException(HostErrorKind.Conflict, $"root shares this engine with the group '{group}'.", $"Run as root first: {RevokeLine(name, group)}", name);
        }
        else if (!planOnly)
        {
            File.Delete($"{records}/as-root.sh");
        }

        if (asRoot)
        {
            manifest = SharedChanges.HandOver(manifest, RootlessInstallations.OfRoot(), planOnly);
        }

        // Links must be resolved while the program exists.
        string? profile = asRoot ? null : AppArmorProfile.For(new HostView().RealPath(manifest.Rootless!.RootlessKit)).Path;
        InstallResult result = BuildKitUninstaller.Result(manifest, new ManifestRemoval(observer).Remove(manifest, purge, planOnly, cancellationToken, records, layout.Downloads));
        if (!planOnly)
        {
            layout.DropEmptyRecords();
            script = asRoot ? null : RootsPart(name, profile!);
        }

        return result with { User = name, RootScript = script };
    }

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
    private string? RootsPart(string name, string profile)
    {
        List<string> lines = new();
        if (File.Exists($"/var/lib/systemd/linger/{name}"))
        {
            observer.Warning($"{name}still has lingering enabled. If no other service needs it: sudo loginctl disable-linger {name}");
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
