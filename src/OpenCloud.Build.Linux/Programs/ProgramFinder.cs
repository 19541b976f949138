namespace OpenCloud.Build.Linux.Programs;

/// <summary>
/// Turns the name of a program into an absolute path. .NET's own search (<c>Process.Start</c> with a bare name) looks beside the running
/// executable and in the current directory before PATH, so that a checkout can bring its own programs. This search uses absolute folders only.
/// </summary>
internal static class ProgramFinder
{
    /// <summary>The system's program folders. sudo's secure_path may be unset and su keeps a user's PATH, so sbin is always included.</summary>
    public static IReadOnlyList<string> SystemFolders { get; } = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    public static string SystemPath { get; } = string.Join(':', SystemFolders);

    /// <summary>Finds a program in the system's folders, for commands that change the host; null when there is none.</summary>
    public static string? InSystem(string name) => Find(name, SystemFolders);

    /// <summary>Finds a program on the caller's PATH, for commands that run as the caller; null when there is none.</summary>
    public static string? OnPath(string name) => Find(name, Folders(Environment.GetEnvironmentVariable("PATH")));

    /// <summary>Finds a program on the caller's PATH, else in the system's folders; null when there is none.</summary>
    public static string? OnPathOrInSystem(string name) => OnPath(name) ?? InSystem(name);

    /// <summary>
    /// The folders of a PATH value. An empty entry means the current directory to a shell, and a relative one lies below it: both are left out.
    /// Without a PATH, the system's folders.
    /// </summary>
    public static IReadOnlyList<string> Folders(string? path)
        => path is null ? SystemFolders : [.. path.Split(':').Where(static entry => entry.StartsWith('/'))];

    /// <summary>Finds the first regular, executable file of a name in some folders; null when there is none.</summary>
    /// <remarks>Root skips files that another user could change: see <see cref="ProgramTrust"/>.</remarks>
    public static string? Find(string name, IEnumerable<string> folders) => Find(name, folders, ProgramTrust.Applies);

    /// <summary>As <see cref="Find(string, IEnumerable{string})"/>, with the rule for root on or off.</summary>
    public static string? Find(string name, IEnumerable<string> folders, bool trustedOnly)
    {
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().ContainsAny('/', '\0'))
        {
            throw new ArgumentException($"'{name}' is not the name of a program.", nameof(name));
        }

        foreach (string folder in folders)
        {
            string path = Path.Join(folder, name);
            if (folder.StartsWith('/') && IsProgram(path) && (!trustedOnly || ProgramTrust.Objection(path) is null))
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>For the message that a program is not on the caller's PATH: says which program root found but does not run, and why; else empty.</summary>
    public static string Hint(string name)
        => ProgramTrust.Applies && Find(name, Folders(Environment.GetEnvironmentVariable("PATH")), trustedOnly: false) is { } path
            ? $" Root does not run '{path}': {ProgramTrust.Objection(path)}"
            : string.Empty;

    private static bool IsProgram(string path)
    {
        try
        {
            return FileStatus.Read(path, follow: true) is { Type: InodeType.Regular } && LinuxCalls.MayExecute(path);
        }
        catch (Exception closed) when (closed is UnauthorizedAccessException or IOException)
        {
            // A folder of PATH that the caller may not enter, or a loop of links: treated as absent, as by a shell.
            return false;
        }
    }
}
