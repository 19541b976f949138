using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>
/// What several engines without root need and the first of them brought: prerequisite packages, and the AppArmor profile of a
/// rootlesskit they share. It goes with the last of them: an engine that is removed leaves it, with the record of it, to one that stays.
/// </summary>
internal static class SharedChanges
{
    /// <summary>Whether a change serves another engine as well.</summary>
    /// <param name="change">The change.</param>
    /// <param name="of">Whose record it is in.</param>
    /// <param name="other">The other engine.</param>
    public static bool Serves(HostChange change, InstallationManifest of, InstallationManifest other) => change switch
    {
        PrerequisiteInstalled => true,
        ProfileLoaded => SameProgram(of, other),
        TextWritten text => text.Target.StartsWith(AppArmorProfile.Directory + "/", StringComparison.Ordinal) && SameProgram(of, other),
        _ => false,
    };

    /// <summary>Gives what others need to one of them.</summary>
    /// <param name="leaving">The engine that is removed.</param>
    /// <param name="others">The engines of root's records.</param>
    /// <param name="planOnly">Only looks.</param>
    /// <returns>The engine that is removed, with what is left to take back.</returns>
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
                // The heir first: cut off in between, both have it, and what is taken back twice does no harm.
                (heir with { Changes = [.. given.Concat(heir.Changes).DistinctBy(change => (change.GetType(), change.Target))] }).Save($"{RootlessLayout.RootRecords}/{heir.Rootless!.User}");
            }

            leaving = leaving with { Changes = [.. leaving.Changes.Except(given)] };
        }

        return leaving;
    }

    private static bool SameProgram(InstallationManifest one, InstallationManifest other)
    {
        RootlessView view = new();
        return view.RealPath(one.Rootless!.RootlessKit) == view.RealPath(other.Rootless!.RootlessKit);
    }
}
