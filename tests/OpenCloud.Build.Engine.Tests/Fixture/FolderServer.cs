using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>Serves one folder's files on an engine's loopback: over HTTPS with a certificate of an authority made for the test, or over HTTP.</summary>
/// <remarks>It knows no entity tags, so that nothing is answered but files and that there are none.</remarks>
internal sealed class FolderServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly X509Certificate2? _certificate;
    private readonly string _folder;

    private FolderServer(TcpListener listener, X509Certificate2? certificate, string folder)
    {
        _listener = listener;
        _certificate = certificate;
        _folder = folder;
        _ = ServeAsync();
    }

    /// <summary>Its address, as the engine sees it.</summary>
    public string Address => $"{(_certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Makes an authority: its certificate as PEM text for those who shall trust it, and itself.</summary>
    public static (string Pem, X509Certificate2 Authority) NewAuthority()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        X509Certificate2 authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return (authority.ExportCertificatePem(), authority);
    }

    /// <summary>Starts one without TLS.</summary>
    public static FolderServer Start(RunningEngine engine, string folder) => new(EngineListener.Start(engine), null, folder);

    /// <summary>Starts one with TLS.</summary>
    public static FolderServer Start(RunningEngine engine, X509Certificate2 authority, string folder)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 signed = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(20), [1, 2, 3, 4]);
        return new FolderServer(EngineListener.Start(engine), signed.CopyWithPrivateKey(key), folder);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        _certificate?.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                _ = AnswerAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task<Stream> OpenAsync(NetworkStream plain)
    {
        if (_certificate is null)
        {
            return plain;
        }

        SslStream stream = new(plain);
        await stream.AuthenticateAsServerAsync(_certificate);
        return stream;
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await using Stream stream = await OpenAsync(client.GetStream());
                using StreamReader reader = new(stream, Encoding.ASCII, leaveOpen: true);
                string[] request = (await reader.ReadLineAsync() ?? string.Empty).Split(' ');
                while (await reader.ReadLineAsync() is { Length: > 0 })
                {
                }

                string path = Path.Combine(_folder, request.ElementAtOrDefault(1)?.Split('?')[0].TrimStart('/') ?? "");
                byte[] body = File.Exists(path) ? await File.ReadAllBytesAsync(path) : [];
                string head = $"HTTP/1.1 {(File.Exists(path) ? "200 OK" : "404 Not Found")}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n";
                await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
                if (request[0] == "GET")
                {
                    await stream.WriteAsync(body);
                }
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // A client that does not trust the authority goes away; that is what some tests are about.
            }
        }
    }
}
