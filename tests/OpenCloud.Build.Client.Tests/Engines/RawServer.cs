using System.Net.Sockets;
using System.Text;

namespace OpenCloud.Build.Client.Tests.Engines;

/// <summary>A unix socket on which each connection is handled by the test, byte by byte.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ocb");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public RawServer(Func<Stream, CancellationToken, Task> handle)
    {
        Path = System.IO.Path.Combine(_directory.FullName, "raw.sock");
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        _accepting = AcceptAsync(handle);
    }

    public string Path { get; }

    public static async Task<string> ReadHeadAsync(Stream stream, CancellationToken token)
    {
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, token) == 1)
        {
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
        _directory.Delete(true);
    }

    private async Task AcceptAsync(Func<Stream, CancellationToken, Task> handle)
    {
        List<Task> open = [];
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptAsync(_stop.Token);
                open.Add(Task.Run(async () =>
                {
                    await using NetworkStream stream = new(socket, ownsSocket: true);
                    try
                    {
                        await handle(stream, _stop.Token);
                    }
                    catch (Exception e) when (e is IOException or OperationCanceledException)
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
