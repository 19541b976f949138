using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Certificates;

/// <summary>Reads and writes the directories of certificate sets: a set is complete, or it is not there.</summary>
internal static class CertificateFiles
{
    private const UnixFileMode File600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Folder700 = File600 | UnixFileMode.UserExecute;

    /// <exception cref="CertificateSetException">It is damaged, expired, or its key is accessible to others.</exception>
    public static X509Certificate2 ReadAuthority(string path, DateTimeOffset now)
    {
        X509Certificate2 authority;
        try
        {
            authority = TlsFiles.ReadCertificate(Path.Join(path, EngineTlsOptions.CaFile), Path.Join(path, EngineTlsOptions.KeyFile), null)[0];
        }
        catch (TlsException e)
        {
            throw new CertificateSetException(CertificateSetProblem.AuthorityUnusable, $"The authority in '{path}' cannot be used: {e.Message}", e);
        }

        return authority.NotAfter.ToUniversalTime() <= now.UtcDateTime
            ? throw new CertificateSetException(CertificateSetProblem.AuthorityUnusable, $"The authority in '{path}' expired on {authority.NotAfter.ToUniversalTime():yyyy-MM-dd}.")
            : authority;
    }

    /// <summary>The names of the certificate of an existing set.</summary>
    /// <exception cref="CertificateSetException">It is damaged.</exception>
    public static IReadOnlyList<string> ReadNames(string path)
    {
        string file = Path.Join(path, EngineTlsOptions.CertificateFile);
        try
        {
            using X509Certificate2 certificate = X509Certificate2.CreateFromPem(System.Text.Encoding.UTF8.GetString(TlsFileTrust.Read(file, out _)));
            return TlsVerdict.NamesOf(certificate);
        }
        catch (Exception e) when (e is TlsException or CryptographicException)
        {
            throw new CertificateSetException(CertificateSetProblem.NotFound, $"The certificate '{file}' cannot be read, so its names are unknown.", e);
        }
    }

    /// <summary>Writes a set beside its place, then puts it there with one rename; a set that it replaces is removed afterwards.</summary>
    public static void Write(CertificateSet set, X509Certificate2 certificate, string authorityPem)
    {
        string parent = Path.GetDirectoryName(set.Path)!;
        CreateFolder(parent);
        string staged = Path.Join(parent, $".opencloud.build.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}.incoming");
        CreateFolder(staged);
        try
        {
            using ECDsa key = certificate.GetECDsaPrivateKey()!;
            WholeFile.Write(Path.Join(staged, EngineTlsOptions.KeyFile), key.ExportPkcs8PrivateKeyPem() + "\n", File600);
            WholeFile.Write(Path.Join(staged, EngineTlsOptions.CaFile), authorityPem + "\n", File600);
            if (set.Role != CertificateRole.Authority)
            {
                WholeFile.Write(Path.Join(staged, EngineTlsOptions.CertificateFile), certificate.ExportCertificatePem() + "\n", File600);
            }

            Publish(staged, set.Path, set.Exists);
            LastingFile.SynchronizeFolder(parent);
        }
        finally
        {
            // What is here now is incomplete, or was replaced.
            _ = TreeRemoval.Remove(staged);
        }
    }

    /// <summary>Puts a staged set in its place with one rename.</summary>
    /// <param name="staged">The directory of the staged set.</param>
    /// <param name="path">Its place.</param>
    /// <param name="replaces">Whether it changes places with an existing set.</param>
    /// <param name="rename">Renames without replacement, or exchanges; returns an error number, 0 for success. The kernel's when null.</param>
    /// <exception cref="IOException">The set is not in its place.</exception>
    internal static void Publish(string staged, string path, bool replaces, Func<byte[], byte[], int>? rename = null)
    {
        byte[] from = DirectoryWalk.Terminated(staged);
        byte[] to = DirectoryWalk.Terminated(path);
        int error = rename is not null ? rename(from, to)
            : ErrorOf(replaces
                ? LinuxCalls.RenameExchange(LinuxCalls.CurrentDirectory, from, LinuxCalls.CurrentDirectory, to)
                : LinuxCalls.RenameNew(LinuxCalls.CurrentDirectory, from, LinuxCalls.CurrentDirectory, to));
        if (error == LinuxCalls.InvalidArgument)
        {
            // A file system such as NFS has no flags (renameat2(2)). A plain rename replaces no directory that has content (rename(2)).
            error = !replaces ? ErrorOf(LinuxCalls.Rename(LinuxCalls.CurrentDirectory, from, LinuxCalls.CurrentDirectory, to))
                : throw new IOException($"Cannot replace '{path}': its file system cannot exchange two directories, as for example NFS. Renew the certificates on a local file system.", error);
        }

        if (error != 0)
        {
            throw LinuxCalls.Failure("Cannot write", path, error);
        }
    }

    private static int ErrorOf(int result) => result == 0 ? 0 : LinuxCalls.LastError;

    private static void CreateFolder(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path, Folder700);
        }
    }
}
