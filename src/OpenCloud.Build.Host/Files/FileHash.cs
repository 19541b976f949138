using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Host.Files;

internal static class FileHash
{
    // Larger than any program of a release. A sparse file of some terabytes would block the reader for days.
    private const long Limit = 4L << 30;

    /// <summary>The sha256 of a regular file in lower-case hexadecimal; null when there is none.</summary>
    /// <exception cref="IOException">It is not a regular file (a directory, a pipe, a device), or it is far too large.</exception>
    public static string? Of(string path)
    {
        using SafeFileHandle? file = BoundedFile.TryOpen(path, followLink: true);
        if (file is null)
        {
            return null;
        }

        using FileStream stream = new(file, FileAccess.Read, 0);
        if (stream.Length > Limit)
        {
            throw new IOException($"'{path}' is larger than {Limit:N0} bytes, and is not read.");
        }

        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>The sha256 of a text in its form on disk.</summary>
    public static string OfText(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Whether an error of the file system says that a disk or a quota is full (ENOSPC 28, EDQUOT 122).</summary>
    public static bool IsDiskFull(Exception error)
        => error is IOException && ((error.HResult & 0xffff) is 28 or 122 || error.Message.Contains("No space left", StringComparison.Ordinal));
}
