namespace OpenCloud.Build.Linux.Programs;

/// <summary>
/// Turns the name of a program into an absolute path. .NET's own search (<c>Process.Start</c> with a bare name) looks beside the running
/// executable and in the current directory before it looks into PATH, so that a checkout can bring programs of its own; this one looks
/// into absolute folders only.
/// </summary>
internal static class ProgramFinder
{
    /// <summary>Where a system keeps its programs. sudo's secure_path may be gone and su keeps a user's PATH, so sbin is always among them.</summary>
    public static IReadOnlyList<string> SystemFolders { get; } = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary><see cref="SystemFolders"/> as a value of PATH.</summary>
    public static string SystemPath { get; } = string.Join(':', SystemFolders);

    /// <summary>A program in the system's folders; null when it is in none. For what changes the host.</summary>
    public static string? InSystem(string name) => Find(name, SystemFolders);

    /// <summary>A program on the caller's PATH; null when it is nowhere there. For what runs as the caller.</summary>
    public static string? OnPath(string name) => Find(name, Folders(Environment.GetEnvironmentVariable("PATH")));

    /// <summary>A program on the caller's PATH or else in the system's folders; null when it is nowhere.</summary>
    public static string? OnPathOrInSystem(string name) => OnPath(name) ?? InSystem(name);

    /// <summary>
    /// The folders of a value of PATH. An empty entry means the current directory to a shell, and a relative one lies below it: both are
    /// left out. Without a PATH these are the system's folders.
    /// </summary>
    public static IReadOnlyList<string> Folders(string? path)
        => path is null ? SystemFolders : [.. path.Split(':').Where(static entry => entry.StartsWith('/'))];

    /// <summary>The first regular, executable file of a name in some folders; null when there is none.</summary>
    /// <remarks>Root passes over files that somebody else could change: see <see cref="ProgramTrust"/>.</remarks>
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

    /// <summary>For a message that a program is not on the caller's PATH: that one is there which root does not run, and why; else empty.</summary>
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
            // A folder of PATH that the caller may not enter, or links in a circle: as for a shell, there is nothing.
            return false;
        }
    }
}
