using System.Security.Cryptography;
using System.Text;

namespace OpenCloud.Build.Host.Files;

/// <summary>Files that are either the old ones or the new ones, never a half, whenever the power goes.</summary>
internal static class AtomicFile
{
    /// <summary>Writes a text next to its place, forces it to disk, and renames it there.</summary>
    public static void Write(string path, string text, UnixFileMode mode)
    {
        var temporary = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}");
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            using (var file = new FileStream(temporary, options))
            {
                file.Write(Encoding.UTF8.GetBytes(text));
                File.SetUnixFileMode(file.SafeFileHandle, mode);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>The sha256 of a file in lower-case hexadecimal; null when there is none.</summary>
    public static string? Sha256(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(file));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The sha256 of a text as it would be on disk.</summary>
    public static string Sha256Text(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Whether an error of the file system says that a disk or a quota is full (ENOSPC 28, EDQUOT 122).</summary>
    public static bool IsDiskFull(Exception error)
        => error is IOException && ((error.HResult & 0xffff) is 28 or 122 || error.Message.Contains("No space left", StringComparison.Ordinal));
}
