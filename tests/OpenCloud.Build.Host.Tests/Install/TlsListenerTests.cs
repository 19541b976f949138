using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Releases;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Install;

/// <summary>An engine on TCP: only with mutual TLS and files of root.</summary>
public sealed class TlsListenerTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ocb");

    public TlsListenerTests() => Write(DateTimeOffset.UtcNow.AddDays(10));

    public void Dispose() => _directory.Delete(true);

    [Fact]
    public void The_unit_listens_with_mutual_tls()
    {
        TlsListener? listener = TlsListenerSteps.Decide(new InstallOptions { ListenTcp = "0.0.0.0:1234", CertificateDirectory = _directory.FullName + "/" }, null, isolated: false);
        UnitTemplates texts = new("/usr/local", "buildkit", BuildKitWorker.Oci, "default", BuildKitVersion.Parse("v0.32.2"), false);
        string d = _directory.FullName;
        Assert.Contains(
            $"--addr fd:// --addr tcp://0.0.0.0:1234 --tlscacert {d}/ca.pem --tlscert {d}/cert.pem --tlskey {d}/key.pem\n", (texts with { Tls = listener }).Service, StringComparison.Ordinal);
        Assert.Contains("--addr fd://\n", texts.Service, StringComparison.Ordinal);
        Assert.DoesNotContain("tcp", texts.Service, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0:1234", null, false, "only with mutual TLS")]
    [InlineData(null, "/x", false, "without a TCP address")]
    [InlineData("", "/x", false, "without a TCP address")]
    [InlineData("builder:1234", "/x", false, "is not an IP address with a port")]
    [InlineData("10.0.0.1", "/x", false, "is not an IP address with a port")]
    [InlineData("10.0.0.1:1", "/x", true, "has no network")]
    [InlineData("10.0.0.1:1", "/x y", false, "is not a valid certificate directory")]
    [InlineData("10.0.0.1:1", "/nowhere", false, "'/nowhere/ca.pem' does not exist")]
    public void What_cannot_be_is_refused(string? address, string? directory, bool isolated, string said) =>
        Assert.Contains(said, Refused(new InstallOptions { ListenTcp = address, CertificateDirectory = directory }, isolated), StringComparison.Ordinal);

    [Fact]
    public void Files_that_others_can_read_or_change_or_that_have_expired_are_refused()
    {
        InstallOptions options = new() { ListenTcp = "[::]:1234", CertificateDirectory = _directory.FullName };
        string key = Path.Combine(_directory.FullName, "key.pem");
        File.SetUnixFileMode(key, Private | UnixFileMode.GroupRead);
        Assert.Contains("does not trust these certificates", Refused(options), StringComparison.Ordinal);
        File.SetUnixFileMode(key, Private);
        File.WriteAllText(key, ECDsa.Create().ExportPkcs8PrivateKeyPem());
        Assert.Contains("does not belong to the certificate", Refused(options), StringComparison.Ordinal);
        Write(DateTimeOffset.UtcNow.AddDays(-1));
        Assert.Contains("expired on", Refused(options), StringComparison.Ordinal);
    }

    private static string Refused(InstallOptions options, bool isolated = false) =>
        Assert.Throws<HostException>(() => TlsListenerSteps.Decide(options, null, isolated)).Message;

    private void Write(DateTimeOffset end)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSelfSigned(end.AddDays(-20), end);
        foreach ((string name, string text) in ((string, string)[])[("ca.pem", certificate.ExportCertificatePem()), ("cert.pem", certificate.ExportCertificatePem()), ("key.pem", key.ExportPkcs8PrivateKeyPem())])
        {
            string path = Path.Combine(_directory.FullName, name);
            File.WriteAllText(path, text);
            File.SetUnixFileMode(path, Private);
        }
    }
}
