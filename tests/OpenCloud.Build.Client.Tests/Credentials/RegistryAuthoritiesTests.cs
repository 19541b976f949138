using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Credentials;

/// <summary>Which servers the authorities in Docker's folders make trusted.</summary>
public sealed class RegistryAuthoritiesTests : IDisposable
{
    private const string Host = "registry.test";
    private const string ServerPurpose = "1.3.6.1.5.5.7.3.1";
    private const string ClientPurpose = "1.3.6.1.5.5.7.3.2";

    private readonly TemporaryDirectory _folder = new();
    private readonly IReadOnlyList<string> _usual = RegistryAuthorities.Folders;
    private readonly X509Certificate2 _authority = Authority();

    public RegistryAuthoritiesTests() => RegistryAuthorities.Folders = [_folder.Path];

    public void Dispose()
    {
        RegistryAuthorities.Folders = _usual;
        _authority.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(Host, Host, ServerPurpose, 1, true)]
    [InlineData(Host + ":5000", Host, ServerPurpose, 1, true)]
    [InlineData(Host, Host, null, 1, true)]
    [InlineData("other.test", Host, ServerPurpose, 1, false)]
    [InlineData(Host, "other.test", ServerPurpose, 1, false)]
    [InlineData(Host, Host, ClientPurpose, 1, false)]
    [InlineData(Host, Host, ServerPurpose, -1, false)]
    [InlineData(null, Host, ServerPurpose, 1, false)]
    public async Task AServerIsTrusted_WhereItsAuthorityIsTheHosts(string? folder, string name, string? purpose, int days, bool isTrusted)
    {
        if (folder is not null)
        {
            string place = Directory.CreateDirectory(Path.Combine(_folder.Path, folder)).FullName;
            await File.WriteAllTextAsync(Path.Combine(place, "ca.crt"), _authority.ExportCertificatePem(), TestContext.Current.CancellationToken);
        }

        using X509Certificate2 certificate = Server(name, purpose, days);
        Assert.Equal(isTrusted, await IsAcceptedAsync(certificate));
    }

    private static async Task<bool> IsAcceptedAsync(X509Certificate2 certificate)
    {
        Pipe there = new(), back = new();
        await using SslStream server = new(new Duplex(there.Reader.AsStream(), back.Writer.AsStream()));
        await using SslStream client = new(new Duplex(back.Reader.AsStream(), there.Writer.AsStream()), false, RegistryAuthorities.IsTrusted);
        Task serving = server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, TestContext.Current.CancellationToken);
        try
        {
            await client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = Host }, TestContext.Current.CancellationToken);
            await serving;
            return true;
        }
        catch (AuthenticationException)
        {
            await there.Writer.CompleteAsync();
            await serving.ContinueWith(static _ => { }, TaskScheduler.Default);
            return false;
        }
    }

    private static X509Certificate2 Authority()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-30), DateTimeOffset.UtcNow.AddDays(30));
    }

    private X509Certificate2 Server(string name, string? purpose, int days)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=" + name, key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        if (purpose is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: false));
        }

        using X509Certificate2 signed = request.Create(_authority, DateTimeOffset.UtcNow.AddDays(-20), DateTimeOffset.UtcNow.AddDays(days), RandomNumberGenerator.GetBytes(8));
        using X509Certificate2 whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    private sealed class Duplex(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => output.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
