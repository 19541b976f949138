using System.Globalization;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Layouts;

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

    /// <summary>The paths of a user's installation, whether root or the user installed it; null when there is none.</summary>
    internal static (RootlessPaths Paths, InstallationManifest Manifest)? OfUser(string name)
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

    /// <summary>Refuses a second engine of a user, and a prefix whose programs are another engine's.</summary>
    /// <exception cref="HostException">There is another engine.</exception>
    internal static void RequireOnly(RootlessPaths paths, InstallationManifest? installed)
    {
        string name = paths.User.Name;
        bool another = paths.AsRoot ? UsersOwnEngine.Of(paths.User) is not null : InstallationManifest.Load(RootlessPaths.RecordsOf(paths.User, asRoot: true)) is { IsInstalled: true };
        if (another)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                paths.AsRoot ? $"{name} has already installed a rootless engine." : $"root has already installed a rootless engine for {name}.",
                paths.AsRoot ? $"As {name}: Uninstall-BuildKit -Rootless; or keep it." : $"{RootLine.Of("Uninstall-BuildKit", ("Rootless", true), ("User", name))}; or keep using it.",
                name);
        }

        if (installed is not null && (installed.Prefix != paths.Prefix || installed.Rootless!.State != paths.State || installed.Rootless.SystemUnit != paths.SystemUnit))
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"The engine of {name} is installed under {installed.Prefix}, with its state in {installed.Rootless!.State} and a unit of {(installed.Rootless.SystemUnit ? "the system" : "the user")}; a second installation is not supported.",
                "Run Uninstall-BuildKit -Rootless first.",
                paths.Prefix);
        }

        if (!paths.AsRoot)
        {
            return;
        }

        if (InstallationManifest.Load() is { IsInstalled: true } rootful && rootful.Prefix == paths.Prefix)
        {
            throw new HostException(HostErrorKind.Conflict, $"The programs under {paths.Prefix} belong to the engine that runs as root.", "Use another -Prefix.", paths.Prefix);
        }

        if (OfRoot().FirstOrDefault(other => other.IsInstalled && other.Prefix == paths.Prefix && other.Rootless!.User != name) is { } sibling)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"The programs under {paths.Prefix} are those of {sibling.Rootless!.User}'s engine, and would be removed with it.",
                string.Create(CultureInfo.InvariantCulture, $"Use another prefix: -Prefix {paths.Prefix}-{name}."),
                paths.Prefix);
        }
    }

    private static InstallationManifest? Own()
        => Identity.Current().Uid is not 0 and var uid && AccountDatabase.FindUser(uid) is { } user
            ? InstallationManifest.Load(RootlessPaths.RecordsOf(user, asRoot: false))
            : null;

    private static BuildKitInstallation Describe(InstallationManifest manifest, bool asRoot)
    {
        RootlessPaths paths = manifest.RootlessPaths(asRoot);
        bool mayAsk = paths.SystemUnit || Identity.Current().Uid is var uid && (uid == 0 || uid == paths.User.Uid);
        return BuildKitInstallation.Of(manifest) with
        {
            Rootless = true,
            User = manifest.Rootless!.User,
            Isolated = null,
            Address = "unix://" + paths.Socket,
            Namespace = null,
            Group = File.Exists(paths.ShareTmpfiles) ? paths.SharedGroup : null,
            ServiceUnit = !mayAsk || !paths.Unit.CanBeAsked ? null : $"{paths.Unit.State}, {(paths.Unit.IsEnabled ? "enabled" : "disabled")}",
            Interrupted = ChangeJournal.IsInterruptedIn(paths.Records),
        };
    }
}
