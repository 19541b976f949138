using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Tls;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Tls;

/// <summary>The client's certificate: the judgement of a server of another origin, and the files.</summary>
public sealed class TlsClientCertificateTests : IDisposable
{
    private const string Secret = "correct horse";

    private readonly TlsFolder _folder = new();
    private readonly TestAuthority _authority = new();

    public TlsClientCertificateTests()
    {
        _folder.Write("ca.pem", _authority.Pem);
        using X509Certificate2 server = _authority.Issue(["127.0.0.1"]);
        _folder.Write(server, "server-");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Ca => Path.Combine(_folder.Path, "ca.pem");

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_server_that_requires_a_certificate_gets_one_or_is_quoted(string version)
    {
        using OpenSslServer server = await OpenSslServer.StartAsync(_folder, version, "-Verify", "1", "-verify_return_error", "-CAfile", Ca);
        Assert.Equal(TlsProblem.ClientCertificateMissing, await TryAsync(server, new EngineTlsOptions { CaCertificate = Ca }));

        using TestAuthority other = new();
        using X509Certificate2 foreign = other.Issue(["ci"], purpose: TestAuthority.ClientPurpose);
        (string certificate, string key) = _folder.Write(foreign, "foreign-");
        Assert.Equal(TlsProblem.ClientCertificateRefused, await TryAsync(server, new EngineTlsOptions { CaCertificate = Ca, Certificate = certificate, Key = key }));

        using X509Certificate2 old = _authority.Issue(["ci"], -20, -10, TestAuthority.ClientPurpose);
        (certificate, key) = _folder.Write(old, "old-");
        Assert.Equal(TlsProblem.ClientCertificateRefused, await TryAsync(server, new EngineTlsOptions { CaCertificate = Ca, Certificate = certificate, Key = key }));

        using X509Certificate2 good = _authority.Issue(["ci"], purpose: TestAuthority.ClientPurpose);
        _folder.Write(good);
        Assert.Null(await TryAsync(server, new EngineTlsOptions { Directory = _folder.Path }));
        string pkcs12 = Path.Combine(_folder.Path, "client.p12");
        await File.WriteAllBytesAsync(pkcs12, good.Export(X509ContentType.Pkcs12, Secret), Token);
        File.SetUnixFileMode(pkcs12, TlsFolder.Private);
        Assert.Null(await TryAsync(server, new EngineTlsOptions { CaCertificate = Ca, Certificate = pkcs12, Password = Secret }));
    }

    [Fact]
    public async Task A_refused_certificate_is_explained_by_what_is_known_of_it()
    {
        using OpenSslServer server = await OpenSslServer.StartAsync(_folder, "-tls1_3", "-Verify", "1", "-verify_return_error", "-CAfile", Ca);
        using TestAuthority other = new("Other authority");
        using X509Certificate2 old = _authority.Issue(["ci"], -20, -10, TestAuthority.ClientPurpose);
        using X509Certificate2 early = _authority.Issue(["ci"], 5, 10, TestAuthority.ClientPurpose);
        using X509Certificate2 wrong = _authority.Issue(["ci"], purpose: TestAuthority.ServerPurpose);
        using X509Certificate2 foreign = other.Issue(["ci"], purpose: TestAuthority.ClientPurpose);
        using TestAuthority same = new();
        using X509Certificate2 twin = same.Issue(["ci"], purpose: TestAuthority.ClientPurpose);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 self = new CertificateRequest("CN=ci", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        foreach ((X509Certificate2 used, string said) in ((X509Certificate2, string)[])[
            (old, " It expired on "), (early, " It is not valid before "), (wrong, " It is not meant for clients"), (foreign, $" It was issued by 'CN=Other authority', which is not one of the authorities in '{Ca}'."),
            (twin, $" It was issued by 'CN=Test authority', which is not the authority of this name in '{Ca}'."), (self, " It is self-signed.")])
        {
            (string certificate, string keyFile) = _folder.Write(used, "used-");
            EngineConnectOptions options = new() { ConnectTimeout = TimeSpan.FromSeconds(20), Tls = new EngineTlsOptions { CaCertificate = Ca, Certificate = certificate, Key = keyFile } };
            EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectRetry.ConnectAsync(EngineConnectors.Create(server.Address, options), options, Token));
            Assert.Equal(TlsProblem.ClientCertificateRefused, e.Tls);
            Assert.Contains(said, e.Message, StringComparison.Ordinal);
            Assert.Equal(used == foreign || used == twin, e.Message.Contains("issued by '", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_authority_that_cannot_be_read_is_not_replaced_by_those_of_the_system(bool isDirectory)
    {
        using X509Certificate2 certificate = _authority.Issue([], purpose: TestAuthority.ClientPurpose);
        _folder.Write(certificate);
        string ca = Path.Combine(_folder.Path, "ca.pem");
        File.Delete(ca);
        _ = isDirectory ? Directory.CreateDirectory(ca) : File.CreateSymbolicLink(ca, "nowhere");
        EngineConnectOptions options = new() { Tls = new EngineTlsOptions { Directory = _folder.Path } };
        IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse("tcp://127.0.0.1:1"), options);
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(
            async () => await ConnectRetry.ConnectAsync(connector, options, TestContext.Current.CancellationToken));
        Assert.Equal(TlsProblem.FileInvalid, e.Tls);
    }

    [Fact]
    public async Task A_server_with_only_an_old_version_is_named()
    {
        using OpenSslServer server = await OpenSslServer.StartAsync(_folder, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0");
        Assert.Equal(TlsProblem.OldVersion, await TryAsync(server, new EngineTlsOptions { CaCertificate = Ca }));

        // One that answers with its own version instead of an alert.
        byte[] hello = [22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2, .. new byte[32], 0, 0xc0, 0x13, 0];
        await using TcpServer raw = new(async (socket, token) =>
        {
            await socket.ReadExactlyAsync(new byte[5], token);
            await socket.WriteAsync(hello, token);
            await socket.CopyToAsync(Stream.Null, token);
        });
        Assert.Equal(TlsProblem.OldVersion, await TryAsync(raw.Address, new EngineTlsOptions { CaCertificate = Ca }));
    }

    [Fact]
    public void An_alert_is_explained()
    {
        byte[] noHttp2 = [21, 3, 3, 0, 2, 2, 120];
        Assert.Equal(TlsProblem.NotHttp2, TlsAlert.OfHandshake(new IOException(), noHttp2, false).Problem);
        Assert.Equal(TlsProblem.Handshake, TlsAlert.OfHandshake(new IOException(), [21, 3, 3, 0, 2, 2, 80], true).Problem);
        Assert.Equal(TlsProblem.ClientCertificateMissing, TlsAlert.OfAlert(new IOException("", new CryptographicException(0x0A000000 | 1116)), default, true)?.Problem);
        Assert.Null(TlsAlert.OfAlert(new IOException(), default, true));
    }

    [Fact]
    public void Files_are_checked_before_anything_is_sent()
    {
        using X509Certificate2 client = _authority.Issue(["ci"], purpose: TestAuthority.ClientPurpose);
        (string certificate, string key) = _folder.Write(client);
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using RSA rsa = RSA.Create(2048);
        string otherKey = _folder.Write("other.pem", other.ExportECPrivateKeyPem());
        string rsaKey = _folder.Write("rsa.pem", rsa.ExportPkcs8PrivateKeyPem());
        using ECDsa own = client.GetECDsaPrivateKey()!;
        string encrypted = _folder.Write("encrypted.pem", own.ExportEncryptedPkcs8PrivateKeyPem(Secret, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        string text = _folder.Write("text.pem", "hello");
        string exposed = _folder.Write("exposed.pem", own.ExportPkcs8PrivateKeyPem(), TlsFolder.Private | UnixFileMode.OtherRead);
        string grouped = _folder.Write("grouped.pem", own.ExportPkcs8PrivateKeyPem(), TlsFolder.Private | UnixFileMode.GroupRead);
        string writable = _folder.Write("writable.pem", _authority.Pem, TlsFolder.Private | UnixFileMode.OtherRead | UnixFileMode.OtherWrite);
        string both = _folder.Write("both.pem", client.ExportCertificatePem() + "\n" + own.ExportECPrivateKeyPem());
        string bothExposed = _folder.Write("both-exposed.pem", File.ReadAllText(both), TlsFolder.Private | UnixFileMode.OtherRead);

        Assert.NotNull(TlsFiles.Load(new EngineTlsOptions { Certificate = certificate, Key = key }).Context);
        Assert.NotNull(TlsFiles.Load(new EngineTlsOptions { Certificate = certificate, Key = encrypted, Password = Secret }).Context);
        Assert.NotNull(TlsFiles.Load(new EngineTlsOptions { Certificate = both }).Context);
        (EngineTlsOptions Options, TlsProblem Problem, string Said)[] faults =
        [
            (new() { CaCertificate = "/nowhere/ca.pem" }, TlsProblem.FileInvalid, "'/nowhere/ca.pem' does not exist."),
            (new() { CaCertificate = _folder.Path }, TlsProblem.FileInvalid, "not a regular file"),
            (new() { CaCertificate = text }, TlsProblem.FileInvalid, "contains no certificate"),
            (new() { CaCertificate = writable }, TlsProblem.FileNotTrusted, "is writable by other users"),
            (new() { Directory = "/nowhere" }, TlsProblem.FileInvalid, "contains none of ca.pem"),
            (new() { Directory = _folder.Path, Key = key }, TlsProblem.FileInvalid, "exclude each other"),
            (new() { Key = key }, TlsProblem.FileInvalid, "without a certificate"),
            (new() { Certificate = certificate }, TlsProblem.FileInvalid, "without its private key"),
            (new() { Certificate = certificate, Key = text }, TlsProblem.FileInvalid, "contains no private key"),
            (new() { Certificate = text, Key = key }, TlsProblem.FileInvalid, "is not in PEM form"),
            (new() { Certificate = text }, TlsProblem.FileInvalid, "neither PEM nor PKCS #12"),
            (new() { Certificate = certificate, Key = otherKey }, TlsProblem.KeyMismatch, "does not belong to"),
            (new() { Certificate = certificate, Key = rsaKey }, TlsProblem.KeyMismatch, "does not belong to"),
            (new() { Certificate = certificate, Key = encrypted }, TlsProblem.FileInvalid, "is encrypted"),
            (new() { Certificate = certificate, Key = encrypted, Password = "wrong" }, TlsProblem.FileInvalid, "its password is wrong"),
            (new() { Password = Secret }, TlsProblem.PasswordNotUsed, "without a certificate"),
            (new() { CaCertificate = certificate, Password = Secret }, TlsProblem.PasswordNotUsed, "without a certificate"),
            (new() { Certificate = certificate, Key = key, Password = Secret }, TlsProblem.PasswordNotUsed, "is not encrypted"),
            (new() { Certificate = both, Password = Secret }, TlsProblem.PasswordNotUsed, "is not encrypted"),
            (new() { Certificate = certificate, Key = exposed }, TlsProblem.KeyExposed, "(mode 0604)"),
            (new() { Certificate = certificate, Key = grouped }, TlsProblem.KeyExposed, "(mode 0640)"),
            (new() { Certificate = bothExposed }, TlsProblem.KeyExposed, "(mode 0604)"),
        ];
        Assert.All(faults, static fault =>
        {
            TlsException e = Assert.Throws<TlsException>(() => TlsFiles.Load(fault.Options));
            Assert.Equal(fault.Problem, e.Problem);
            Assert.Contains(fault.Said, e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("PRIVATE", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Secret, fault.Options.ToString(), StringComparison.Ordinal);
        });
    }

    private static Task<TlsProblem?> TryAsync(OpenSslServer server, EngineTlsOptions tls) => TryAsync(server.Address, tls);

    private static async Task<TlsProblem?> TryAsync(EngineAddress address, EngineTlsOptions tls)
    {
        EngineConnectOptions options = new() { ConnectTimeout = TimeSpan.FromSeconds(20), Tls = tls };
        try
        {
            await (await ConnectRetry.ConnectAsync(EngineConnectors.Create(address, options), options, Token)).DisposeAsync();
            return null;
        }
        catch (EngineConnectException e)
        {
            return e.Tls ?? throw new InvalidOperationException(e.Message, e);
        }
    }
}
