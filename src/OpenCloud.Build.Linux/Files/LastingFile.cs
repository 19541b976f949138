using System.Text;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Has what was written reach the disk before it gets its name, and the name as well. A write that the kernel has taken may still fail on the
/// disk, and only the call that waits for that tells so.
/// </summary>
internal static class LastingFile
{
    /// <summary>Ends a file that was written beside its place, and gives it its name.</summary>
    /// <param name="file">The open file; it is closed.</param>
    /// <param name="temporary">Its path.</param>
    /// <param name="path">What it becomes; a file there is replaced.</param>
    /// <exception cref="IOException">The disk did not take it; the place is as it was.</exception>
    public static void Publish(FileStream file, string temporary, string path)
    {
        using (file)
        {
            Synchronize(file);
        }

        File.Move(temporary, path, overwrite: true);
        SynchronizeFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Writes a text, in UTF-8, whole or not at all.</summary>
    /// <exception cref="IOException">It could not be written; the place is as it was.</exception>
    public static void Write(string path, string text)
    {
        string temporary = $"{path}.{Guid.NewGuid():n}";
        try
        {
            FileStream file = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0);
            using (file)
            {
                file.Write(Encoding.UTF8.GetBytes(text));
                Publish(file, temporary, path);
            }
        }
        catch
        {
            Discard(temporary);
            throw;
        }
    }

    /// <summary>Removes a file that was not finished. That it cannot be, on a disk that has failed say, is not told: something else is under way.</summary>
    public static void Discard(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>
    /// Has what was written to a file reach the disk. .NET's own flush passes over EROFS, which is what the wait for a disk ends with that the
    /// kernel has stopped writing to meanwhile.
    /// </summary>
    /// <exception cref="IOException">The disk did not take it.</exception>
    public static void Synchronize(FileStream file)
    {
        file.Flush();
        Check(LinuxCalls.Synchronize((int)file.SafeFileHandle.DangerousGetHandle()), file.Name);
    }

    /// <summary>Has the names in a folder reach the disk.</summary>
    public static void SynchronizeFolder(string folder) => Synchronize(folder, LinuxCalls.Synchronize);

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
