using System.Collections;

namespace OpenCloud.Build.Linux.Programs;

/// <summary>The environments programs are given. There is no implicit one: who runs a program says which.</summary>
internal static class ProgramEnvironment
{
    private static readonly string[] AllowedNames = ["PATH", "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "LC_ALL"];
    private static readonly string[] ProxyNames = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"];

    /// <summary>All of this process's variables, for a program that acts for the same user; PATH without the entries that lead into the current directory.</summary>
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
    /// The few of this process's variables that a daemon of the same user needs; everything else, tokens among it, stays here: a process's
    /// environment can be read in /proc, and is passed on to what it starts.
    /// </summary>
    /// <param name="proxies">Also the proxy variables, without which a daemon may reach no registry.</param>
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

    /// <summary>The environment of a program that runs as another user: nothing of this process's goes there.</summary>
    /// <param name="user">The user's name.</param>
    /// <param name="home">The user's home.</param>
    /// <param name="runtimeDirectory">The user's runtime directory.</param>
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
