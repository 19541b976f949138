using OpenCloud.Build.Client.BuildKit;

namespace OpenCloud.Build.Building;

/// <summary>Tells archives from Dockerfiles by their names, where a file could be meant as either.</summary>
internal static class BuildArchives
{
    /// <summary>Whether a file is an archive, or is meant as one and should be looked at as such.</summary>
    public static bool IsArchive(string path) => IsName(path) || ContextArchive.IsArchive(path);

    /// <summary>Whether a file is meant as an archive.</summary>
    public static bool IsName(string path) =>
        path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".tgz", StringComparison.OrdinalIgnoreCase)
        || Path.GetFileName(path).Contains(".tar.", StringComparison.OrdinalIgnoreCase);
}
