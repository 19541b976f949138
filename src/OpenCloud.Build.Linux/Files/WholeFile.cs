using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Files that are either the old ones or the new ones, never a half, whenever the power goes: written under a name of their own beside their
/// place, given mode and owner by descriptor, forced to disk and renamed. A link in the place is replaced and not followed.
/// </summary>
internal static class WholeFile
{
    /// <summary>Writes a text.</summary>
    /// <param name="path">Where.</param>
    /// <param name="text">The text.</param>
    /// <param name="mode">Its mode.</param>
    public static void Write(string path, string text, UnixFileMode mode) => Write(path, Encoding.UTF8.GetBytes(text), mode);

    /// <summary>Writes bytes.</summary>
    /// <param name="path">Where.</param>
    /// <param name="content">What.</param>
    /// <param name="mode">Its mode.</param>
    /// <param name="owner">Whose it becomes; null for the caller's.</param>
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

    /// <summary>Removes a file, or a link in its place; one that is not there is no error.</summary>
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
