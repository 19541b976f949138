using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Replaces files atomically, also across a power failure: a file is written under a temporary name beside its destination, gets mode and owner
/// by descriptor, is forced to disk and renamed. A link at the destination is replaced and not followed.
/// </summary>
internal static class WholeFile
{
    public static void Write(string path, string text, UnixFileMode mode) => Write(path, Encoding.UTF8.GetBytes(text), mode);

    /// <summary>Writes the content with a mode; the owner is the caller when null.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode, (uint Uid, uint Gid)? owner = null)
    {
        using StagedFile file = StagedFile.Create(path, mode);
        file.Stream.Write(content);
        if (owner is { } to)
        {
            file.Give(to.Uid, to.Gid);
        }

        file.Publish();
    }

    /// <summary>Removes a file or a link; a missing one is no error.</summary>
    public static void Remove(string path)
    {
        SafeFileHandle folder;
        byte[] name;
        try
        {
            folder = DirectoryWalk.OpenParent(path, out name);
        }
        catch (FileNotFoundException)
        {
            return;
        }

        using (folder)
        {
            if (LinuxCalls.Unlink(DirectoryWalk.Number(folder), name) != 0 && LinuxCalls.LastError is var error and not LinuxCalls.NoEntry)
            {
                throw LinuxCalls.Failure("Cannot remove", path, error);
            }
        }
    }
}
