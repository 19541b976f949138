using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>Files that are written in place: locks, logs, and resumed downloads. Only regular files are opened, and a link is not followed.</summary>
internal static class OwnFile
{
    /// <summary>Opens a file for writing, and creates it with the mode when it does not exist. Keeps its content.</summary>
    /// <exception cref="IOException">The path is not a regular file, or cannot be opened.</exception>
    public static FileStream Open(string path, UnixFileMode mode)
    {
        using SafeFileHandle folder = DirectoryWalk.OpenParent(path, out byte[] name);
        int descriptor = LinuxCalls.Open(
            DirectoryWalk.Number(folder),
            name,
            LinuxCalls.WriteOnly | LinuxCalls.Create | LinuxCalls.NoFollow | LinuxCalls.NonBlocking | LinuxCalls.NoControllingTerminal,
            (uint)mode);
        if (descriptor < 0)
        {
            int error = LinuxCalls.LastError;
            throw error is LinuxCalls.TooManyLinks or LinuxCalls.NoSuchDeviceOrAddress or LinuxCalls.NoSuchDevice
                ? NotRegular(path)
                : LinuxCalls.Failure("Cannot write", path, error);
        }

        SafeFileHandle file = new(descriptor, ownsHandle: true);
        try
        {
            return DirectoryWalk.StatusOf(file, path).Type == UnixMode.Regular ? new FileStream(file, FileAccess.Write, 0) : throw NotRegular(path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static IOException NotRegular(string path) => new($"'{path}' is a symbolic link, a pipe or a device and is not written to.");
}
