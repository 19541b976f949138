using System.Management.Automation;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

internal static class ArchiveArguments
{
    /// <summary>The full paths.</summary>
    /// <exception cref="BuildErrorException">Nothing matches, or a path is not in the file system.</exception>
    public static IReadOnlyList<string> Resolve(PSCmdlet cmdlet, string path, bool isLiteral)
    {
        if (isLiteral || !WildcardPattern.ContainsWildcardCharacters(path))
        {
            string full = DirectoryArguments.ResolveLiteral(cmdlet, path);
            return Path.Exists(full) ? [full] : throw ErrorCatalog.PathNotFound.ToException(path, null, full);
        }

        try
        {
            List<string> found = [.. cmdlet.SessionState.Path.GetResolvedProviderPathFromPSPath(path, out ProviderInfo provider)];
            return provider.Name != "FileSystem" ? throw ErrorCatalog.NotFileSystemPath.ToException(path, null, path, provider.Name)
                : found.Count == 0 ? throw ErrorCatalog.PathNotFound.ToException(path, null, path)
                : found;
        }
        catch (Exception exception) when (exception is SessionStateException or ProviderInvocationException or InvalidOperationException or NotSupportedException)
        {
            throw ErrorCatalog.PathNotFound.ToException(path, exception, path);
        }
    }
}
