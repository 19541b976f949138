using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Walks down a path one directory at a time. Each directory is held open, so that nothing on the path can be exchanged meanwhile. A link is
/// followed only when nobody but root and the caller could have put it there: a folder that another user may write to leads nowhere else.
/// </summary>
internal static class DirectoryWalk
{
    private const int MostLinks = 40;

    /// <exception cref="IOException">A link on the path could be another user's, or the directory cannot be opened.</exception>
    /// <exception cref="FileNotFoundException">There is no such directory.</exception>
    public static SafeFileHandle Open(string path) => Walk(path, null);

    public static SafeFileHandle? TryOpen(string path)
    {
        try
        {
            return Open(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Opens the directory that contains the last name of a path. The name ends with a zero byte.</summary>
    public static SafeFileHandle OpenParent(string path, out byte[] terminatedName)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string name = Path.GetFileName(full);
        if (name.Length == 0)
        {
            throw new IOException($"'{path}' does not end with a name.");
        }

        terminatedName = Terminated(name);
        return Open(Path.GetDirectoryName(full)!);
    }

    /// <summary>
    /// The first directory on the path, its last name included, in which somebody other than root and the owner can exchange entries; null when
    /// there is none. Names that do not exist yet are skipped.
    /// </summary>
    public static string? FirstOpenToOthers(string path, uint owner)
    {
        string? open = null;
        string existing = Path.GetFullPath(path);
        while (FileStatus.Read(existing) is null)
        {
            existing = Path.GetDirectoryName(existing)!;
        }

        Walk(existing, (name, stat) => open ??= IsOpenToOthers(stat, owner) ? name : null).Dispose();
        return open;
    }

    /// <summary>Whether somebody other than root and one user may add, replace or remove entries of a directory.</summary>
    public static bool IsOpenToOthers(in LinuxStat directory, uint owner)
    {
        const int GroupWrite = 0x10;
        const int OtherWrite = 0x2;
        return (directory.Uid != 0 && directory.Uid != owner)
            || (directory.Mode & OtherWrite) != 0
            || ((directory.Mode & GroupWrite) != 0 && directory.Gid != 0);
    }

    /// <summary>A name as the system calls take it.</summary>
    public static byte[] Terminated(string name) => name.Contains('\0', StringComparison.Ordinal)
        ? throw new IOException("A path must not contain a zero character.")
        : Encoding.UTF8.GetBytes(name + '\0');

    public static LinuxStat StatusOf(SafeFileHandle handle, string path)
        => LinuxCalls.TryStat(Number(handle), "\0"u8, LinuxCalls.EmptyPath, out LinuxStat stat) ? stat : throw LinuxCalls.Failure("Cannot inspect", path, LinuxCalls.LastError);

    /// <summary>The descriptor. The caller keeps the handle alive.</summary>
    public static int Number(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static SafeFileHandle Walk(string path, Action<string, LinuxStat>? visit)
    {
        uint caller = LinuxCalls.EffectiveUserId;
        Stack<string> left = new();
        Push(left, Path.GetFullPath(path));
        SafeFileHandle current = OpenRoot(path);
        string at = "/";
        int links = 0;
        try
        {
            LinuxStat status = StatusOf(current, at);
            visit?.Invoke(at, status);
            while (left.TryPop(out string? name))
            {
                string next = at == "/" ? at + name : $"{at}/{name}";
                byte[] terminated = Terminated(name);
                int descriptor = LinuxCalls.Open(Number(current), terminated, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly | LinuxCalls.NoFollow | LinuxCalls.NonBlocking);
                int error = descriptor < 0 ? LinuxCalls.LastError : 0;
                if (error == LinuxCalls.AccessDenied)
                {
                    // For a directory that may be passed through but not listed.
                    descriptor = LinuxCalls.Open(Number(current), terminated, LinuxCalls.PathOnly | LinuxCalls.DirectoryOnly | LinuxCalls.NoFollow);
                    error = descriptor < 0 ? LinuxCalls.LastError : 0;
                }

                if (error is LinuxCalls.NotADirectory or LinuxCalls.TooManyLinks && LinkAt(current, terminated) is { } link)
                {
                    if (IsOpenToOthers(status, caller) || ++links > MostLinks)
                    {
                        throw new IOException($"'{next}' is a symbolic link that other users could have created; it is not followed.");
                    }

                    Push(left, link);
                    if (link.StartsWith('/'))
                    {
                        current.Dispose();
                        current = OpenRoot(path);
                        at = "/";
                        status = StatusOf(current, at);
                    }

                    continue;
                }

                if (error != 0)
                {
                    throw LinuxCalls.Failure("Cannot enter", next, error);
                }

                current.Dispose();
                current = new SafeFileHandle(descriptor, ownsHandle: true);
                at = next;
                status = StatusOf(current, at);
                visit?.Invoke(at, status);
            }

            return current;
        }
        catch
        {
            current.Dispose();
            throw;
        }
    }

    private static void Push(Stack<string> left, string path)
    {
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(name => name != ".").Reverse())
        {
            left.Push(name);
        }
    }

    /// <summary>The target of a link in a directory, or of the open link itself when the name is empty; null on failure.</summary>
    public static string? LinkAt(SafeFileHandle directory, ReadOnlySpan<byte> terminatedName)
    {
        Span<byte> buffer = stackalloc byte[4096];
        int length = LinuxCalls.ReadLink(Number(directory), terminatedName, buffer);
        return length <= 0 ? null : length == buffer.Length ? throw new IOException("The target of a symbolic link is too long.") : Encoding.UTF8.GetString(buffer[..length]);
    }

    private static SafeFileHandle OpenRoot(string path)
    {
        int root = LinuxCalls.Open(LinuxCalls.CurrentDirectory, "/\0"u8, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly);
        return root >= 0 ? new SafeFileHandle(root, ownsHandle: true) : throw LinuxCalls.Failure("Cannot enter the directories of", path, LinuxCalls.LastError);
    }
}
