using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>Files that are written in place: locks, logs, and downloads that are taken up again. Only a regular file is opened, and no link in its place is followed.</summary>
internal static class OwnFile
{
    /// <summary>Opens a file for writing, and makes it where there is none. What it holds stays.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">The mode of one that is made.</param>
    /// <exception cref="IOException">Something else is in its place, or it cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
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

    private static IOException NotRegular(string path) => new($"'{path}' is a link, a pipe or a device, and is not written to.");
}
