using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Tls;

/// <summary>
/// Reads certificates and keys that only root and the caller can change. The permissions are those of the opened file, so nobody can exchange
/// it in between.
/// </summary>
internal static class TlsFileTrust
{
    private const int Largest = 1024 * 1024;
    private const uint GroupAndOthers = 0x3f; // 0077
    private const uint Others = 0x7; // 0007
    private const uint OthersWrite = 0x2;
    private const uint GroupWrite = 0x10;

    /// <exception cref="TlsException">The file cannot be read, or others can change it.</exception>
    public static byte[] Read(string path, out FileStatus status)
    {
        try
        {
            using SafeFileHandle file = BoundedFile.TryOpen(path, followLink: true) ?? throw new TlsException(TlsProblem.FileInvalid, $"The file '{path}' does not exist.");
            status = FileStatus.Of(DirectoryWalk.StatusOf(file, path));
            if (Objection(path, status) is { } objection)
            {
                throw new TlsException(TlsProblem.FileNotTrusted, objection);
            }

            return BoundedFile.ReadAll(file, path, Largest, CancellationToken.None);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException and not TlsException)
        {
            throw new TlsException(TlsProblem.FileInvalid, e.Message.EndsWith('.') ? e.Message : e.Message + ".", e);
        }
    }

    /// <summary>
    /// The rule of ssh for private keys (sshkey_perm_ok): nobody else may read one that belongs to the caller. One that belongs to root may be
    /// readable by a group, which root chose.
    /// </summary>
    /// <exception cref="TlsException">Others can read the key.</exception>
    public static void CheckKey(string path, FileStatus status)
    {
        if ((status.Mode & (status.Uid == LinuxCalls.EffectiveUserId ? GroupAndOthers : Others)) != 0)
        {
            throw new TlsException(TlsProblem.KeyExposed, $"Other users have access to the private key '{path}' (mode {Octal(status)}); it is not used.");
        }
    }

    // Root's rule for programs also applies to files that decide whom root trusts: every directory on the path counts.
    private static string? Objection(string path, FileStatus status) =>
        status.Uid != 0 && status.Uid != LinuxCalls.EffectiveUserId ? $"'{path}' belongs to the user {status.Uid}, who can change it."
        : (status.Mode & OthersWrite) != 0 || ((status.Mode & GroupWrite) != 0 && status.Gid != 0 && status.Uid == 0) ? $"'{path}' is writable by other users (mode {Octal(status)})."
        : ProgramTrust.Applies && ProgramTrust.Objection(path) is { } objection ? objection
        : null;

    private static string Octal(FileStatus status) => Convert.ToString((int)status.Mode, 8).PadLeft(4, '0');
}
