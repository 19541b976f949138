using System.Net.Sockets;
using System.Text;
using OpenCloud.Build.Client.Engines;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>The unix socket of a virtual machine's monitor, with an engine behind one port and nothing behind the others.</summary>
internal sealed class MonitorSocket : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ocb");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly EngineAddress _engine;
    private readonly Task _accepting;

    public MonitorSocket(RunningEngine engine)
    {
        _engine = EngineAddress.Parse(engine.Address);
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(_directory.FullName, "vm.sock")));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    /// <summary>The port that has an engine.</summary>
    public const int Port = 8088;

    /// <summary>The address of a port.</summary>
    public string Address(int port = Port) => $"vsock+unix://{_directory.FullName}/vm.sock:{port}";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
        _directory.Delete(recursive: true);
    }

    private async Task AcceptAsync()
    {
        List<Task> open = [];
        try
        {
            while (true)
            {
                open.Add(ServeAsync(await _listener.AcceptAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await using NetworkStream client = new(socket, ownsSocket: true);
        try
        {
            StringBuilder line = new();
            byte[] one = new byte[1];
            while (!line.ToString().EndsWith('\n') && await client.ReadAsync(one, _stop.Token) == 1)
            {
                line.Append((char)one[0]);
            }

            if (line.ToString() != $"CONNECT {Port}\n")
            {
                return;
            }

            await using Stream engine = await EngineConnectors.Create(_engine, new EngineConnectOptions()).ConnectAsync(_stop.Token);
            await client.WriteAsync("OK 1073741824\n"u8.ToArray(), _stop.Token);
            await Task.WhenAny(client.CopyToAsync(engine, _stop.Token), engine.CopyToAsync(client, _stop.Token));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // One of the ends has gone, or the test has ended.
        }
    }
}
