using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client.Engines;

namespace OpenCloud.Build.Client.Tests.Tls;

/// <summary>A TCP port on loopback on which each connection is handled by the test.</summary>
internal sealed class TcpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public TcpServer(Func<NetworkStream, CancellationToken, Task> handle)
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(handle);
    }

    public int Port { get; }

    public EngineAddress Address => EngineAddress.Parse($"tcp://127.0.0.1:{Port}");

    /// <summary>A server that protects each connection with TLS, then hands it over.</summary>
    public static TcpServer WithTls(X509Certificate2 certificate, SslProtocols versions, Func<SslStream, CancellationToken, Task> handle) => new(async (socket, token) =>
    {
        await using SslStream tls = new(socket);
        await tls.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions { ServerCertificate = certificate, EnabledSslProtocols = versions, ApplicationProtocols = [SslApplicationProtocol.Http2] }, token);
        await handle(tls, token);
    });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync(Func<NetworkStream, CancellationToken, Task> handle)
    {
        List<Task> open = [];
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stop.Token);
                open.Add(Task.Run(async () =>
                {
                    await using NetworkStream stream = new(socket, ownsSocket: true);
                    try
                    {
                        await handle(stream, _stop.Token);
                    }
                    catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException)
                    {
                        // The client, or the test, has ended.
                    }
                }));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            await Task.WhenAll(open);
        }
    }
}
