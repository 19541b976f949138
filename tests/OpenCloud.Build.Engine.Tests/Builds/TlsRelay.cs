using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Mutual TLS on loopback in front of an engine's unix socket.</summary>
internal sealed class TlsRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    /// <summary>Starts it with the certificate of a directory.</summary>
    public TlsRelay(string socket, string certificates, SslApplicationProtocol protocol, SslProtocols version)
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        TlsIdentity identity = TlsFiles.Load(new EngineTlsOptions { Directory = certificates });
        SslServerAuthenticationOptions options = new()
        {
            ServerCertificateContext = identity.Context,
            ClientCertificateRequired = true,
            EnabledSslProtocols = version,
            ApplicationProtocols = [protocol],
            CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck },
        };
        options.CertificateChainPolicy.CustomTrustStore.AddRange(identity.Authorities!);
        _accepting = AcceptAsync(socket, options);
    }

    /// <summary>Its port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>How many clients proved who they are.</summary>
    public int Accepted { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync(string socket, SslServerAuthenticationOptions options)
    {
        List<Task> open = [];
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_stop.Token);
                open.Add(Task.Run(() => RelayAsync(client, socket, options)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task RelayAsync(Socket client, string path, SslServerAuthenticationOptions options)
    {
        try
        {
            await using SslStream tls = new(new NetworkStream(client, ownsSocket: true));
            await tls.AuthenticateAsServerAsync(options, _stop.Token);
            Accepted++;
            using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), _stop.Token);
            await using NetworkStream engine = new(socket);
            Task back = engine.CopyToAsync(tls, _stop.Token);
            await tls.CopyToAsync(engine, _stop.Token);
            socket.Shutdown(SocketShutdown.Send);
            await back;
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException or ObjectDisposedException)
        {
            // One side has ended.
        }
    }
}
