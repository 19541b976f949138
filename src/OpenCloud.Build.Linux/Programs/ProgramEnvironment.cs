using System.Collections;

namespace OpenCloud.Build.Linux.Programs;

/// <summary>Environments for programs. There is no implicit one: the caller chooses.</summary>
internal static class ProgramEnvironment
{
    private static readonly string[] AllowedNames = ["PATH", "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "LC_ALL"];
    private static readonly string[] ProxyNames = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"];

    /// <summary>
    /// All variables of this process, for a program that acts for the same user. PATH loses the entries that lead into the current directory.
    /// </summary>
    public static Dictionary<string, string> Inherited()
    {
        Dictionary<string, string> all = new(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            all[(string)variable.Key] = (string?)variable.Value ?? string.Empty;
        }

        all["PATH"] = OwnPath();
        return all;
    }

    /// <summary>
    /// The few variables of this process that a daemon of the same user needs. All others, tokens included, stay here: an environment can be
    /// read in /proc and is inherited by child processes.
    /// </summary>
    /// <param name="proxies">Includes the proxy variables, without which a daemon may reach no registry.</param>
    public static Dictionary<string, string> Allowed(bool proxies)
    {
        IEnumerable<string> names = proxies ? AllowedNames.Concat(ProxyNames).Concat(ProxyNames.Select(static name => name.ToLowerInvariant())) : AllowedNames;
        Dictionary<string, string> some = new(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
            {
                some[name] = value;
            }
        }

        some["PATH"] = OwnPath();
        return some;
    }

    /// <summary>The environment of a program that runs as another user. It contains no variable of this process.</summary>
    public static Dictionary<string, string> Of(string user, string home, string runtimeDirectory) => new(StringComparer.Ordinal)
    {
        ["PATH"] = ProgramFinder.SystemPath,
        ["HOME"] = home,
        ["USER"] = user,
        ["LOGNAME"] = user,
        ["XDG_RUNTIME_DIR"] = runtimeDirectory,
        ["LC_ALL"] = "C.UTF-8",
    };

    private static string OwnPath() => string.Join(':', ProgramFinder.Folders(Environment.GetEnvironmentVariable("PATH")));
}
