using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>Forces written data to disk. A write that the kernel has accepted may still fail on the disk; only the sync call reports that.</summary>
internal static class LastingFile
{
    /// <summary>
    /// Forces a file to disk. .NET's own flush ignores EROFS, the sync error of a disk that the kernel has stopped writing to.
    /// </summary>
    /// <remarks>Errors name the given path; without one, the file's own name.</remarks>
    public static void Synchronize(FileStream file, string? path = null)
    {
        file.Flush();
        Check(LinuxCalls.Synchronize(DirectoryWalk.Number(file.SafeFileHandle)), path ?? file.Name);
    }

    public static void SynchronizeFolder(string folder) => Synchronize(folder, LinuxCalls.Synchronize);

    /// <summary>Forces the names in an open folder to disk. A folder that may be passed through but not listed cannot be synchronized.</summary>
    public static void SynchronizeFolder(SafeFileHandle folder, string path)
    {
        if (LinuxCalls.Synchronize(DirectoryWalk.Number(folder)) != 0 && LinuxCalls.LastError is var error and not (LinuxCalls.InvalidArgument or LinuxCalls.BadDescriptor or LinuxCalls.NotSupported))
        {
            throw LinuxCalls.Failure("Cannot flush the directory entry of", path, error);
        }
    }

    /// <summary>Forces the whole file system of a folder to disk: cheaper than one call for each of many files.</summary>
    public static void SynchronizeFileSystem(string folder) => Synchronize(folder, LinuxCalls.SynchronizeFileSystem);

    private static void Synchronize(string folder, Func<int, int> synchronize)
    {
        int descriptor = LinuxCalls.Open(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(folder), LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly);
        if (descriptor < 0)
        {
            if (LinuxCalls.LastError == LinuxCalls.AccessDenied)
            {
                // A caller who may write to the folder but not read it cannot synchronize it.
                return;
            }

            throw LinuxCalls.Failure("Cannot open the directory", folder, LinuxCalls.LastError);
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
        // A file system without this call has no disk behind it.
        if (result != 0 && LinuxCalls.LastError is var error and not (LinuxCalls.InvalidArgument or LinuxCalls.NotSupported))
        {
            throw LinuxCalls.Failure("Cannot flush to disk what was written to", written, error);
        }
    }
}
