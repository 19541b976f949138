using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>TLS on this process's loopback before a server that speaks none, with a certificate of an authority that nobody knows.</summary>
internal sealed class TlsFront : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _authority;
    private readonly X509Certificate2 _certificate;

    private TlsFront(int behind)
    {
        using RSA authorityKey = RSA.Create(2048);
        CertificateRequest authority = new("CN=a test's own authority", authorityKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = authority.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using RSA key = RSA.Create(2048);
        CertificateRequest server = new("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        server.CertificateExtensions.Add(names.Build());
        using X509Certificate2 signed = server.Create(_authority, _authority.NotBefore, _authority.NotAfter, [1, 2, 3]);
        _certificate = signed.CopyWithPrivateKey(key);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = ServeAsync(behind);
    }

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>The authority's certificate.</summary>
    public string AuthorityPem => _authority.ExportCertificatePem();

    /// <summary>Starts it.</summary>
    /// <param name="behind">The port of the server behind it.</param>
    public static TlsFront Start(int behind) => new(behind);

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        _certificate.Dispose();
        _authority.Dispose();
    }

    private async Task ServeAsync(int behind)
    {
        try
        {
            while (true)
            {
                _ = PassAsync(await _listener.AcceptTcpClientAsync(), behind);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task PassAsync(TcpClient client, int behind)
    {
        try
        {
            using (client)
            await using (SslStream secure = new(client.GetStream()))
            using (TcpClient server = new())
            {
                await secure.AuthenticateAsServerAsync(_certificate);
                await server.ConnectAsync(IPAddress.Loopback, behind);
                await Task.WhenAny(secure.CopyToAsync(server.GetStream()), server.GetStream().CopyToAsync(secure));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
        {
            // A client that does not trust the certificate goes away.
        }
    }
}
