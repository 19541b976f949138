using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>The engines without root that this module installed.</summary>
public static class RootlessInstallations
{
    /// <summary>Those of root's records, and the caller's own. Changes nothing and needs no root.</summary>
    public static IReadOnlyList<BuildKitInstallation> Find()
    {
        var found = OfRoot().Where(manifest => manifest.IsInstalled).Select(manifest => Describe(manifest, asRoot: true)).ToList();
        if (Own() is { IsInstalled: true } own)
        {
            found.Add(Describe(own, asRoot: false));
        }

        return found;
    }

    /// <summary>The records root keeps.</summary>
    internal static IEnumerable<InstallationManifest> OfRoot()
    {
        if (!Directory.Exists(RootlessLayout.RootRecords))
        {
            yield break;
        }

        foreach (var folder in Directory.GetDirectories(RootlessLayout.RootRecords).Order(StringComparer.Ordinal))
        {
            if (InstallationManifest.Load(folder) is { Rootless: not null } manifest)
            {
                yield return manifest;
            }
        }
    }

    /// <summary>The layout of a user's installation, whoever made it; null when there is none.</summary>
    internal static (RootlessLayout Layout, InstallationManifest Manifest)? OfUser(string name)
    {
        if (AccountDatabase.FindUser(name) is not { } user)
        {
            return null;
        }

        foreach (var asRoot in (bool[])[true, false])
        {
            try
            {
                if (InstallationManifest.Load(RootlessLayout.RecordsOf(user, asRoot)) is { IsInstalled: true, Rootless: not null } manifest)
                {
                    return (RootlessLayout.Of(manifest, asRoot), manifest);
                }
            }
            catch (HostException)
            {
                // Somebody else's home is closed: what is in it is that one's business.
            }
        }

        return null;
    }

    private static InstallationManifest? Own()
        => Identity.Current().Uid is not 0 and var uid && AccountDatabase.FindUser(uid) is { } user
            ? InstallationManifest.Load(RootlessLayout.RecordsOf(user, asRoot: false))
            : null;

    private static BuildKitInstallation Describe(InstallationManifest manifest, bool asRoot)
    {
        var layout = RootlessLayout.Of(manifest, asRoot);
        var unit = new RootlessUnit(layout.Unit, layout.SystemUnit ? null : layout.User.Name);
        var mayAsk = layout.SystemUnit || Identity.Current().Uid is var uid && (uid == 0 || uid == layout.User.Uid);
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
            Group = File.Exists(layout.ShareTmpfiles) ? RootlessAccess.GroupOf(layout) : null,
            InstalledAt = manifest.InstalledAt,
            Integrity = manifest.Integrity,
            PreviousVersion = manifest.Previous?.Version,
            ServiceUnit = !mayAsk || !unit.CanBeAsked ? null : $"{unit.State}, {(unit.IsEnabled ? "enabled" : "disabled")}",
            Interrupted = Changes.ChangeJournal.IsInterruptedIn(layout.Records),
            Files =
            [
                .. manifest.Changes.OfType<Changes.FileWritten>().Select(file => new InstalledFile(file.Target, StateOf(file.Target, file.Sha256))),
                .. manifest.Changes.OfType<TextWritten>().Select(text => new InstalledFile(text.Target, StateOf(text.Target, text.Sha256))),
            ],
            KnownAgainst = BuildKitInstallation.TryKnownAgainst(manifest.Version),
        };
    }

    private static string StateOf(string path, string sha256)
    {
        try
        {
            return FileHash.Of(path) switch
            {
                null => "missing",
                var now when now == sha256 => "as installed",
                _ => "changed",
            };
        }
        catch (UnauthorizedAccessException)
        {
            return "closed to you";
        }
    }
}
