using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Has what was written reach the disk. A write that the kernel has taken may still fail on the disk, and only the call that waits for that says so.
/// </summary>
internal static class LastingFile
{
    /// <summary>
    /// Has what was written to a file reach the disk. .NET's own flush passes over EROFS, which is what the wait for a disk ends with that the
    /// kernel has stopped writing to meanwhile.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="path">What it is to the user; null for the file's own name.</param>
    /// <exception cref="IOException">The disk did not take it.</exception>
    public static void Synchronize(FileStream file, string? path = null)
    {
        file.Flush();
        Check(LinuxCalls.Synchronize(DirectoryWalk.Number(file.SafeFileHandle)), path ?? file.Name);
    }

    /// <summary>Has the names in a folder reach the disk.</summary>
    public static void SynchronizeFolder(string folder) => Synchronize(folder, LinuxCalls.Synchronize);

    /// <summary>Has the names in a folder that is open reach the disk.</summary>
    /// <param name="folder">The folder; one that may be passed through and not be listed cannot be waited for.</param>
    /// <param name="path">What was written to it.</param>
    public static void SynchronizeFolder(SafeFileHandle folder, string path)
    {
        if (LinuxCalls.Synchronize(DirectoryWalk.Number(folder)) != 0 && LinuxCalls.LastError is var error and not (LinuxCalls.InvalidArgument or LinuxCalls.BadDescriptor or LinuxCalls.NotSupported))
        {
            throw LinuxCalls.Failure("The disk did not take the name of", path, error);
        }
    }

    /// <summary>Has everything on the file system of a folder reach its disk: cheaper than one call for each of many files.</summary>
    public static void SynchronizeFileSystem(string folder) => Synchronize(folder, LinuxCalls.SynchronizeFileSystem);

    private static void Synchronize(string folder, Func<int, int> synchronize)
    {
        int descriptor = LinuxCalls.Open(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(folder), LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly);
        if (descriptor < 0)
        {
            if (LinuxCalls.LastError == LinuxCalls.AccessDenied)
            {
                // Who may write to a folder and not read it cannot wait for it.
                return;
            }

            throw LinuxCalls.Failure("Cannot open the folder", folder, LinuxCalls.LastError);
        }

        try
        {
            Check(synchronize(descriptor), folder);
        }
        finally
        {
            LinuxCalls.Close(descriptor);
        }
    }

    private static void Check(int result, string written)
    {
        // A file system that knows no such call has no disk behind it.
        if (result != 0 && LinuxCalls.LastError is var error and not (LinuxCalls.InvalidArgument or LinuxCalls.NotSupported))
        {
            throw LinuxCalls.Failure("The disk did not take what was written to", written, error);
        }
    }
}
