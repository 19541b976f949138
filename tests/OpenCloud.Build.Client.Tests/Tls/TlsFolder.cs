using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OpenCloud.Build.Client.Tests.Tls;

/// <summary>A directory with certificates, whose keys only their owner can read.</summary>
internal sealed class TlsFolder : IDisposable
{
    public const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ocb");

    public string Path => _directory.FullName;

    public string Write(string name, string text, UnixFileMode mode = Private)
    {
        string path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, mode);
        return path;
    }

    public (string Certificate, string Key) Write(X509Certificate2 certificate, string prefix = "")
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        return (Write(prefix + "cert.pem", certificate.ExportCertificatePem()), Write(prefix + "key.pem", key.ExportPkcs8PrivateKeyPem()));
    }

    public void Dispose() => _directory.Delete(true);
}
