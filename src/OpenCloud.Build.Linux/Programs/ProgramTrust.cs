namespace OpenCloud.Build.Linux.Programs;

/// <summary>
/// Decides which programs root runs: those that only root could have put there or could change. The file, each folder on its path and each link
/// on that path must belong to root and be closed to the writes of others. A folder such as /tmp may be on the path, since its sticky bit
/// protects root's entries, but it may not contain the program itself.
/// </summary>
/// <remarks>
/// A group may write when it is root's, and below /usr/local, which Debian gives to the group staff on older systems (Debian policy 9.1.2);
/// the administrator chooses that group's members. The rule does not apply without root: a user's PATH is the user's own choice. It does not
/// apply to root in a user namespace, who can do no more than the user outside and sees the system's files as those of nobody.
/// </remarks>
internal static class ProgramTrust
{
    private const int MostLinks = 40; // the kernel's own limit (path_resolution(7))
    private const uint GroupWrite = 0x10;
    private const uint OthersWrite = 0x2;
    private const uint Sticky = 0x200;

    /// <summary>Whether the rule applies to this process.</summary>
    public static bool Applies => LinuxCalls.EffectiveUserId == 0 && InFirstUserNamespace();

    /// <summary>The reason why root does not run a file; null when it does.</summary>
    public static string? Objection(string path)
    {
        Stack<string> left = new();
        Push(left, path);
        string at = "/";
        int links = 0;
        while (left.TryPop(out string? name))
        {
            if (name == "..")
            {
                at = Path.GetDirectoryName(at) ?? "/";
                continue;
            }

            string next = Path.Join(at, name);
            if (FileStatus.Read(next) is not { } file)
            {
                return $"'{next}' does not exist.";
            }

            if (file.Uid != 0)
            {
                return $"'{next}' belongs to the user {file.Uid}.";
            }

            // A sticky folder on the path; any other open folder was rejected before.
            if (file.Type != InodeType.Directory && FileStatus.Read(at) is { } folder && IsOpen(folder, at))
            {
                return $"'{at}' is writable by other users.";
            }

            if (file.Type == InodeType.Symlink)
            {
                if (++links > MostLinks || File.ResolveLinkTarget(next, returnFinalTarget: false)?.ToString() is not { } target)
                {
                    return $"'{path}' has too many symbolic links.";
                }

                at = target.StartsWith('/') ? "/" : at;
                Push(left, target);
                continue;
            }

            if (IsOpen(file, next) && !(file.Type == InodeType.Directory && (file.Mode & Sticky) != 0))
            {
                return $"'{next}' is writable by other users.";
            }

            at = next;
        }

        return null;
    }

    private static bool IsOpen(FileStatus file, string path)
        => (file.Mode & OthersWrite) != 0
            || ((file.Mode & GroupWrite) != 0 && file.Gid != 0 && !$"{path}/".StartsWith("/usr/local/", StringComparison.Ordinal));

    private static void Push(Stack<string> left, string path)
    {
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(static name => name != ".").Reverse())
        {
            left.Push(name);
        }
    }

    // user_namespaces(7): the first namespace maps every id to itself.
    private static bool InFirstUserNamespace()
    {
        try
        {
            string[] map = File.ReadAllText("/proc/self/uid_map").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return map is not ["0", var outside, var count] || (outside == "0" && count == "4294967295");
        }
        catch (IOException)
        {
            return true;
        }
    }
}
