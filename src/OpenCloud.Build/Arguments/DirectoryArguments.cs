using System.Management.Automation;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

internal static class DirectoryArguments
{
    private const string FileSystem = "FileSystem";

    /// <summary>Finds the directories that <paramref name="path"/> names.</summary>
    /// <exception cref="BuildErrorException">The path matches nothing, names no directory, or is not in the file system.</exception>
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

    /// <summary>The full path of <paramref name="path"/>, which need not exist; wildcards are literal.</summary>
    /// <exception cref="BuildErrorException">The path is not in the file system.</exception>
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
        // Only the root keeps its separator.
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
