using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Installations;
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
        TlsListener? listener = TlsListenerSteps.Decide(new InstallOptions { ListenTcp = "0.0.0.0:1234", CertificateDirectory = _directory.FullName + "/" }, null, isolated: false, Unexpected, asRoot: true);
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
    [InlineData("[fe80::1%2]:1234", "/x", false, "is not an IP address with a port")]
    [InlineData("[fe80::1%nowhere0]:1234", "/x", false, "is not an IP address with a port")]
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

    [Fact]
    public void An_installed_listener_with_unusable_certificates_is_kept_with_a_warning()
    {
        InstallationManifest installed = Installed("[::]:1234");
        InstallOptions same = new() { ListenTcp = installed.ListenTcp, CertificateDirectory = installed.CertificateDirectory };
        InstallOptions moved = new() { ListenTcp = "[::]:1235" };
        string key = Path.Combine(_directory.FullName, "key.pem");
        foreach ((string said, Action spoil) in ((string, Action)[])[
            ("expired on", () => Write(DateTimeOffset.UtcNow.AddDays(-1))),
            ("does not belong to the certificate", () => File.WriteAllText(key, "x")),
            ("key.pem' does not exist", () => File.Delete(key))])
        {
            spoil();
            foreach (InstallOptions options in (InstallOptions[])[new(), same])
            {
                List<string> warnings = [];
                Assert.Equal("[::]:1234", TlsListenerSteps.Decide(options, installed, isolated: false, warnings.Add, asRoot: true)?.Address);
                Assert.Contains(said, Assert.Single(warnings), StringComparison.Ordinal);
            }

            Assert.Contains(said, Assert.Throws<HostException>(() => TlsListenerSteps.Decide(moved, installed, isolated: false, Unexpected, asRoot: true)).Message, StringComparison.Ordinal);
        }

        Write(DateTimeOffset.UtcNow.AddDays(10));
        File.SetUnixFileMode(key, Private | UnixFileMode.GroupWrite);
        Assert.Throws<HostException>(() => TlsListenerSteps.Decide(new InstallOptions(), installed, isolated: false, Unexpected, asRoot: true));
    }

    [Fact]
    public void Files_that_cannot_be_read_are_refused_and_without_root_not_checked()
    {
        InstallOptions options = new() { ListenTcp = "[::]:1234", CertificateDirectory = _directory.FullName };
        string authority = Path.Combine(_directory.FullName, "ca.pem");
        File.Delete(authority);
        Directory.CreateDirectory(authority);
        Assert.Contains("cannot be read", Refused(options), StringComparison.Ordinal);
        List<string> warnings = [];
        Assert.NotNull(TlsListenerSteps.Decide(options, null, isolated: false, warnings.Add, asRoot: false));
        Assert.Contains("were not checked", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "use -Isolated:$false")]
    [InlineData(true, "do not use -Isolated")]
    public void The_advice_for_an_isolated_engine_fits_how_it_became_one(bool? isolated, string advice)
    {
        InstallOptions options = new() { ListenTcp = "[::]:1234", CertificateDirectory = "/x", Isolated = isolated };
        HostException refused = Assert.Throws<HostException>(() => TlsListenerSteps.Decide(options, null, isolated: true, Unexpected, asRoot: true));
        Assert.Contains(advice, refused.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_listener_with_another_address_or_directory_is_new()
    {
        InstallationManifest installed = Installed("[::]:1234");
        TlsListener listener = new("[::]:1234", _directory.FullName);
        Assert.True(TlsListenerSteps.IsInstalled(listener, installed));
        Assert.False(TlsListenerSteps.IsInstalled(listener with { Address = "[::]:1235" }, installed));
        Assert.False(TlsListenerSteps.IsInstalled(listener with { Directory = "/elsewhere" }, installed));
        Assert.False(TlsListenerSteps.IsInstalled(listener, null));
    }

    private static void Unexpected(string warning) => Assert.Fail(warning);

    private static string Refused(InstallOptions options, bool isolated = false) =>
        Assert.Throws<HostException>(() => TlsListenerSteps.Decide(options, null, isolated, Unexpected, asRoot: true)).Message;

    private InstallationManifest Installed(string address) => new()
    {
        Version = "v0.32.2",
        Prefix = "/usr/local",
        Worker = BuildKitWorker.Oci,
        ListenTcp = address,
        CertificateDirectory = _directory.FullName,
        Namespace = "default",
        Group = "buildkit",
        Programs = new Dictionary<string, string>(),
        Changes = [],
    };

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
