using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Containers.Runtime;

/// <summary>
/// Folders that only root can change, from / to the last name: what is mounted into a container must not be exchanged by another user.
/// </summary>
internal static class OwnedFolders
{
    private const uint OwnerOnly = 0x1C0; // 0700

    /// <summary>Why root does not use a folder; null when it does. Names that do not exist yet are skipped.</summary>
    public static string? Objection(string path)
    {
        string existing = Path.GetFullPath(path);
        while (FileStatus.Read(existing) is null)
        {
            existing = Path.GetDirectoryName(existing)!;
        }

        return FileStatus.Read(existing, follow: true) is not { Type: InodeType.Directory } ? $"'{existing}' is not a folder." : ProgramTrust.Objection(existing);
    }

    /// <summary>Creates a folder and those above it that do not exist, each for root alone.</summary>
    /// <returns>Whether the folder is new.</returns>
    /// <exception cref="UnauthorizedAccessException">Another user could change a folder on the path.</exception>
    /// <exception cref="IOException">A folder cannot be created.</exception>
    public static bool Create(string path)
    {
        string full = Path.GetFullPath(path);
        if (Objection(full) is { } objection)
        {
            throw new UnauthorizedAccessException(objection);
        }

        Stack<string> missing = new();
        for (string at = full; FileStatus.Read(at) is null; at = Path.GetDirectoryName(at)!)
        {
            missing.Push(at);
        }

        bool isNew = false;
        while (missing.TryPop(out string? next))
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle parent = DirectoryWalk.OpenParent(next, out byte[] name);
            isNew = LinuxCalls.MakeDirectory(DirectoryWalk.Number(parent), name, OwnerOnly) == 0;
            if (!isNew && LinuxCalls.LastError is var error and not LinuxCalls.Exists)
            {
                throw LinuxCalls.Failure("Cannot create", next, error);
            }
        }

        return Objection(full) is { } later ? throw new UnauthorizedAccessException(later) : isNew;
    }
}
