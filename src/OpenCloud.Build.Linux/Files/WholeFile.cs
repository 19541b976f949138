using System.Security.Cryptography;
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
        using SafeFileHandle folder = DirectoryWalk.OpenParent(path, out byte[] name);
        int parent = DirectoryWalk.Number(folder);
        byte[] temporary = DirectoryWalk.Terminated($".opencloud.build.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}");
        int descriptor = LinuxCalls.Open(parent, temporary, LinuxCalls.WriteOnly | LinuxCalls.Create | LinuxCalls.Exclusive | LinuxCalls.NoFollow, 0x180);
        if (descriptor < 0)
        {
            throw LinuxCalls.Failure("Cannot write", path, LinuxCalls.LastError);
        }

        bool done = false;
        try
        {
            using (new SafeFileHandle(descriptor, ownsHandle: true))
            {
                if (!LinuxCalls.TryWrite(descriptor, content)
                    || (owner is { } to && LinuxCalls.ChangeOwner(descriptor, "\0"u8, to.Uid, to.Gid, LinuxCalls.EmptyPath) != 0)
                    || LinuxCalls.ChangeMode(descriptor, (uint)mode) != 0
                    || LinuxCalls.Synchronize(descriptor) != 0)
                {
                    throw LinuxCalls.Failure("Cannot write", path, LinuxCalls.LastError);
                }
            }

            if (LinuxCalls.Rename(parent, temporary, parent, name) != 0)
            {
                throw LinuxCalls.Failure("Cannot put in place", path, LinuxCalls.LastError);
            }

            done = true;
        }
        finally
        {
            if (!done)
            {
                _ = LinuxCalls.Unlink(parent, temporary);
            }
        }

        // The name is on disk with its folder. A file system that cannot do that has nothing to lose.
        if (LinuxCalls.Synchronize(parent) != 0 && LinuxCalls.LastError is var error and not (LinuxCalls.InvalidArgument or LinuxCalls.BadDescriptor))
        {
            throw LinuxCalls.Failure("Cannot write the folder of", path, error);
        }
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
