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

    private static void CreateFolder(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path, Folder700);
        }
    }

    private static void Publish(string staged, string path, bool replaces)
    {
        byte[] from = DirectoryWalk.Terminated(staged);
        byte[] to = DirectoryWalk.Terminated(path);
        int result = replaces
            ? LinuxCalls.RenameExchange(LinuxCalls.CurrentDirectory, from, LinuxCalls.CurrentDirectory, to)
            : LinuxCalls.RenameNew(LinuxCalls.CurrentDirectory, from, LinuxCalls.CurrentDirectory, to);
        if (result != 0)
        {
            throw LinuxCalls.Failure("Cannot write", path, LinuxCalls.LastError);
        }
    }
}
