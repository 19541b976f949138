using System.Text;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Host.Accounts;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// Reads this module's records about a host. Later runs act on these records, so they are trusted only where nobody but root and the
/// caller could have written them: a regular file of theirs, closed to others, in a folder of theirs that is closed as well.
/// </summary>
internal static class RecordFile
{
    private const uint OthersWrite = 0x12;

    /// <summary>Reads a record; null when there is none.</summary>
    /// <exception cref="HostException">Somebody else could have written it.</exception>
    /// <exception cref="UnauthorizedAccessException">The caller may not read it.</exception>
    public static string? TryReadText(string path)
    {
        try
        {
            using SafeFileHandle? folder = DirectoryWalk.TryOpen(Path.GetDirectoryName(path)!);
            if (folder is null)
            {
                return null;
            }

            using SafeFileHandle? file = BoundedFile.TryOpen($"/proc/self/fd/{DirectoryWalk.Number(folder)}/{Path.GetFileName(path)}");
            if (file is null)
            {
                return null;
            }

            Require(path, DirectoryWalk.StatusOf(folder, path));
            Require(path, DirectoryWalk.StatusOf(file, path));
            return Encoding.UTF8.GetString(BoundedFile.ReadAll(file, path, BoundedFile.TextLimit, CancellationToken.None));
        }
        catch (IOException error) when (error is not FileNotFoundException)
        {
            throw Untrusted(path, error.Message, error);
        }
    }

    private static void Require(string path, in LinuxStat status)
    {
        uint caller = LinuxCalls.EffectiveUserId;
        if ((status.Uid != 0 && status.Uid != caller) || (status.Mode & OthersWrite) != 0)
        {
            throw Untrusted(path, $"it or its directory belongs to {AccountDatabase.UserName(status.Uid)}, with mode {Convert.ToString(status.Mode & 0xfff, 8)}", null);
        }
    }

    private static HostException Untrusted(string path, string why, Exception? inner) => new(
        HostErrorKind.Conflict,
        $"'{path}' is not trusted: other users could have written it ({why}).",
        "Inspect the file. If it is yours, restore the owner of the file and its directory and remove write access for others (chmod go-w); otherwise move it away.",
        path,
        inner);
}
