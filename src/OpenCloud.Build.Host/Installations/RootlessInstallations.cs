using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Installations;

/// <summary>The rootless engines that this module installed.</summary>
public static class RootlessInstallations
{
    /// <summary>Finds the engines in root's records and the caller's own. Changes nothing and needs no root.</summary>
    public static IReadOnlyList<BuildKitInstallation> Find()
    {
        List<BuildKitInstallation> found = OfRoot().Where(manifest => manifest.IsInstalled).Select(manifest => Describe(manifest, asRoot: true)).ToList();
        if (Own() is { IsInstalled: true } own)
        {
            found.Add(Describe(own, asRoot: false));
        }

        return found;
    }

    internal static IEnumerable<InstallationManifest> OfRoot()
    {
        if (!Directory.Exists(RootlessPaths.RootRecords))
        {
            yield break;
        }

        foreach (string? folder in Directory.GetDirectories(RootlessPaths.RootRecords).Order(StringComparer.Ordinal))
        {
            if (InstallationManifest.Load(folder) is { Rootless: not null } manifest)
            {
                yield return manifest;
            }
        }
    }

    /// <summary>The layout of a user's installation, whether root or the user installed it; null when there is none.</summary>
    internal static (RootlessPaths Layout, InstallationManifest Manifest)? OfUser(string name)
    {
        if (AccountDatabase.FindUser(name) is not { } user)
        {
            return null;
        }

        if (InstallationManifest.Load(RootlessPaths.RecordsOf(user, asRoot: true)) is { IsInstalled: true, Rootless: not null } manifest)
        {
            RequireOf(user, manifest);
            return (manifest.RootlessPaths(asRoot: true), manifest);
        }

        return UsersOwnEngine.Of(user);
    }

    /// <summary>Refuses a record under this user's name that belongs to another user: the account was recreated, or the record is forged.</summary>
    /// <exception cref="HostException">The record belongs to another user.</exception>
    internal static void RequireOf(UserAccount user, InstallationManifest? manifest)
    {
        if (manifest?.Rootless is { } facts && user.Uid != 0 && (facts.User != user.Name || facts.Uid != user.Uid || facts.Home != user.Home))
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"The record of the engine of '{user.Name}' has the user '{AccountDatabase.Printable(facts.User)}' ({facts.Uid}) with the home directory {AccountDatabase.Printable(facts.Home)}, but that user now has the id {user.Uid} and the home directory {user.Home}.",
                "Restore the id and home directory of the user, or move the record away and install the engine again.",
                user.Name);
        }
    }

    private static InstallationManifest? Own()
        => Identity.Current().Uid is not 0 and var uid && AccountDatabase.FindUser(uid) is { } user
            ? InstallationManifest.Load(RootlessPaths.RecordsOf(user, asRoot: false))
            : null;

    private static BuildKitInstallation Describe(InstallationManifest manifest, bool asRoot)
    {
        RootlessPaths layout = manifest.RootlessPaths(asRoot);
        ManagedUnit unit = new(layout.Unit, layout.SystemUnit ? null : layout.User.Name);
        bool mayAsk = layout.SystemUnit || Identity.Current().Uid is var uid && (uid == 0 || uid == layout.User.Uid);
        return new BuildKitInstallation
        {
            Version = manifest.Version,
            ByThisModule = true,
            Program = $"{manifest.Prefix}/bin/buildkitd",
            Prefix = manifest.Prefix,
            Worker = BuildKitWorker.Oci,
            Rootless = true,
            User = manifest.Rootless!.User,
            Address = "unix://" + layout.Socket,
            Group = File.Exists(layout.ShareTmpfiles) ? layout.SharedGroup : null,
            InstalledAt = manifest.InstalledAt,
            Integrity = manifest.Integrity,
            PreviousVersion = manifest.Previous?.Version,
            ServiceUnit = !mayAsk || !unit.CanBeAsked ? null : $"{unit.State}, {(unit.IsEnabled ? "enabled" : "disabled")}",
            Interrupted = Changes.ChangeJournal.IsInterruptedIn(layout.Records),
            Files =
            [
                .. manifest.Changes.OfType<Changes.FileWritten>().Select(file => new InstalledFile(file.Target, StateOf(file.Target, file.Sha256))),
                .. manifest.Changes.OfType<TextWritten>().Select(text => new InstalledFile(text.Target, StateOf(text.Target, text.Sha256, text.User))),
            ],
            Vulnerabilities = BuildKitInstallation.VulnerabilitiesOf(manifest.Version),
        };
    }

    private static string StateOf(string path, string sha256, string? user = null)
    {
        try
        {
            return ActingUser.Run(Identity.Current().Uid == 0 ? user : null, () => FileHash.Of(path)) switch
            {
                null => "missing",
                var now when now == sha256 => "as installed",
                _ => "changed",
            };
        }
        catch (Exception error) when (error is UnauthorizedAccessException or HostException)
        {
            return "not accessible";
        }
        catch (IOException)
        {
            return "changed";
        }
    }
}
