using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;

namespace OpenCloud.Build.Host.Installations;

/// <summary>
/// The changes that several rootless engines need and the first one made: prerequisite packages, and the AppArmor profile of a shared
/// rootlesskit. They are undone with the last engine: a removed engine hands them, with their records, to one that stays.
/// </summary>
internal static class SharedChanges
{
    /// <summary>Whether a change serves another engine as well.</summary>
    public static bool Serves(HostChange change, InstallationManifest of, InstallationManifest other) => change switch
    {
        PackagesInstalled => true,
        ProfileLoaded => SameProgram(of, other),
        TextWritten text => text.Target.StartsWith(AppArmorProfile.Directory + "/", StringComparison.Ordinal) && SameProgram(of, other),
        _ => false,
    };

    /// <summary>Moves the changes that other engines need to one of them.</summary>
    /// <returns>The manifest of the removed engine, with the changes left to undo.</returns>
    public static InstallationManifest HandOver(InstallationManifest leaving, IEnumerable<InstallationManifest> others, bool planOnly)
    {
        foreach (InstallationManifest? heir in others.Where(other => other.IsInstalled && other.Rootless!.User != leaving.Rootless!.User))
        {
            HostChange[] given = leaving.Changes.Where(change => Serves(change, leaving, heir)).ToArray();
            if (given.Length == 0)
            {
                continue;
            }

            if (!planOnly)
            {
                // The heir is written first: after an interruption both have the change, and undoing it twice is harmless.
                (heir with { Changes = [.. given.Concat(heir.Changes).DistinctBy(change => (change.GetType(), change.Target))] }).Save($"{RootlessPaths.RootRecords}/{heir.Rootless!.User}");
            }

            leaving = leaving with { Changes = [.. leaving.Changes.Except(given)] };
        }

        return leaving;
    }

    private static bool SameProgram(InstallationManifest one, InstallationManifest other)
    {
        HostView view = new();
        return view.RealPath(one.Rootless!.RootlessKit) == view.RealPath(other.Rootless!.RootlessKit);
    }
}
