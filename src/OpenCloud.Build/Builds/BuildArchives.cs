using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Builds;

/// <summary>Tells archives from Dockerfiles by their names, where a file could be meant as either.</summary>
internal static class BuildArchives
{
    /// <summary>Whether a file is an archive, or is meant as one and should be looked at as such.</summary>
    /// <exception cref="BuildErrorException">It cannot be read, or is a pipe.</exception>
    public static bool IsArchive(string path)
    {
        try
        {
            return IsName(path) || ContextArchive.IsArchive(path);
        }
        catch (IOException exception)
        {
            throw ErrorCatalog.PathNotReadable.ToException(path, exception, path, (exception.InnerException ?? exception).Message + ".");
        }
    }

    /// <summary>Whether a file is meant as an archive.</summary>
    public static bool IsName(string path) =>
        path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".tgz", StringComparison.OrdinalIgnoreCase)
        || Path.GetFileName(path).Contains(".tar.", StringComparison.OrdinalIgnoreCase);
}
