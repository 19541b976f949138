using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Builds;

/// <summary>Distinguishes archives from Dockerfiles by name, where a file could be either.</summary>
internal static class BuildArchives
{
    /// <summary>Whether a file is an archive, or has the name of one and should be checked as one.</summary>
    /// <exception cref="BuildErrorException">The file cannot be read, or is a pipe.</exception>
    public static bool IsArchive(string path)
    {
        try
        {
            return IsName(path) || ContextLocation.IsArchive(path);
        }
        catch (IOException exception)
        {
            throw ErrorCatalog.PathNotReadable.ToException(path, exception, path, (exception.InnerException ?? exception).Message + ".");
        }
    }

    public static bool IsName(string path) =>
        path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".tgz", StringComparison.OrdinalIgnoreCase)
        || Path.GetFileName(path).Contains(".tar.", StringComparison.OrdinalIgnoreCase);
}
