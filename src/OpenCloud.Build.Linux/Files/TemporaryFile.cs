using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>A file that only its user reads, and that has no name any more once it is open.</summary>
internal static class TemporaryFile
{
    /// <summary>Writes a new file, and opens it for reads in any order.</summary>
    public static Task<SafeFileHandle> OpenHandleAsync(Func<Stream, Task> write) => OpenAsync(
        write, static path => Task.FromResult(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.Asynchronous)));

    /// <summary>Writes a new file, opens it, and removes its name; what was opened can be read until it is closed.</summary>
    public static async Task<T> OpenAsync<T>(Func<Stream, Task> write, Func<string, Task<T>> open)
    {
        string path = Path.Combine(Path.GetTempPath(), $"opencloud-build-{Guid.NewGuid():n}");
        try
        {
            FileStreamOptions options = new()
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Options = FileOptions.Asynchronous,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            FileStream file = new(path, options);
            await using (file.ConfigureAwait(false))
            {
                await write(file).ConfigureAwait(false);
            }

            return await open(path).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
