using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Fleet;

/// <summary>Divides the builds of a set into groups that need nothing of each other, so that each group can have a node of its own. Without I/O, except that paths are looked up.</summary>
public static class SetDivision
{
    /// <summary>
    /// Builds that use each other's results, also through others, are one group. Builds with the same context directory are in one group, too, because
    /// one node needs the directory once; a build that uses no result, and whose result no other uses, can be taken out of that.
    /// </summary>
    /// <param name="requests">The builds by name, in order.</param>
    /// <param name="isBetterAlone">Whether a build that only shares a directory is a group of its own nevertheless.</param>
    /// <returns>The names in each group; the groups by their first build.</returns>
    public static IReadOnlyList<IReadOnlyList<string>> Divide(IReadOnlyDictionary<string, ImageBuildRequest> requests, Func<ImageBuildRequest, bool> isBetterAlone)
    {
        ArgumentNullException.ThrowIfNull(requests);
        ArgumentNullException.ThrowIfNull(isBetterAlone);
        HashSet<string> used = [.. requests.Values.SelectMany(static r => r.DependsOn)];
        Dictionary<string, string> firsts = BuildComponents.Of(requests.Select(r => (
            r.Key,
            r.Value.DependsOn.Count == 0 && !used.Contains(r.Key) && isBetterAlone(r.Value) ? null : DirectoryOf(r.Value),
            r.Value.DependsOn)));
        return [.. requests.Keys.GroupBy(name => firsts[name], StringComparer.Ordinal).Select(static g => (IReadOnlyList<string>)[.. g])];
    }

    private static string? DirectoryOf(ImageBuildRequest request) => !ContextLocation.IsAddress(request.ContextPath) && Directory.Exists(request.ContextPath)
        ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.ContextPath))
        : null;
}
