using System.Management.Automation;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>Turns what users call a path into full paths of the file system.</summary>
internal static class DirectoryArguments
{
    private const string FileSystem = "FileSystem";

    /// <summary>Finds the directories that <paramref name="path"/> names.</summary>
    /// <param name="cmdlet">Whose location and drives count.</param>
    /// <param name="path">A path in PowerShell's sense: relative, on a PSDrive, provider-qualified.</param>
    /// <param name="isLiteral">False when wildcards are meant; then only directories are taken from what matches.</param>
    /// <param name="allowFile">Which files a path without wildcards may name as well; null for none.</param>
    /// <exception cref="BuildErrorException">It names nothing, no directory, or nothing of the file system.</exception>
    public static IReadOnlyList<string> Resolve(PSCmdlet cmdlet, string path, bool isLiteral, Func<string, bool>? allowFile = null)
    {
        bool hasWildcards = !isLiteral && WildcardPattern.ContainsWildcardCharacters(path);
        List<string> found = hasWildcards ? Expand(cmdlet, path) : [ResolveLiteral(cmdlet, path)];
        if (hasWildcards)
        {
            found = [.. found.Where(Directory.Exists)];
            return found.Count > 0 ? found : throw ErrorCatalog.PathNotFound.ToException(path, null, path);
        }

        if (!Directory.Exists(found[0]) && !(File.Exists(found[0]) && allowFile?.Invoke(found[0]) == true))
        {
            throw (File.Exists(found[0]) ? ErrorCatalog.NotDirectory : ErrorCatalog.PathNotFound).ToException(path, null, found[0]);
        }

        return found;
    }

    /// <summary>The full path that <paramref name="path"/> means, whether anything is there or not; wildcards mean themselves.</summary>
    /// <exception cref="BuildErrorException">It is not of the file system.</exception>
    public static string ResolveLiteral(PSCmdlet cmdlet, string path)
    {
        if (path.Length == 0)
        {
            throw ErrorCatalog.PathNotFound.ToException(path, null, path);
        }

        string full;
        ProviderInfo provider;
        try
        {
            full = cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out provider, out _);
        }
        catch (Exception exception) when (exception is SessionStateException or ProviderInvocationException or InvalidOperationException or NotSupportedException)
        {
            throw ErrorCatalog.PathNotFound.ToException(path, exception, path);
        }

        Check(path, provider);
        // The root keeps its separator, nothing else does.
        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(full));
    }

    private static List<string> Expand(PSCmdlet cmdlet, string path)
    {
        try
        {
            List<string> found = [.. cmdlet.SessionState.Path.GetResolvedProviderPathFromPSPath(path, out ProviderInfo provider)];
            Check(path, provider);
            return found;
        }
        catch (Exception exception) when (exception is SessionStateException or ProviderInvocationException or InvalidOperationException or NotSupportedException)
        {
            throw ErrorCatalog.PathNotFound.ToException(path, exception, path);
        }
    }

    private static void Check(string path, ProviderInfo provider)
    {
        if (provider.Name != FileSystem)
        {
            throw ErrorCatalog.NotFileSystemPath.ToException(path, null, path, provider.Name);
        }
    }
}
