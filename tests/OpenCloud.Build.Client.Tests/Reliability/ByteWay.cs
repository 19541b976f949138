using System.Net.Sockets;

namespace OpenCloud.Build.Client.Tests.Reliability;

/// <summary>A way to an engine in this process that breaks after so many bytes of the engine's on one of its connections.</summary>
internal sealed class ByteWay : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ocb-byte-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _engine;
    private readonly int _connection;
    private readonly long _breakAt;
    private readonly bool _isHalf;
    private readonly List<long> _passed = [];
    private readonly Task _accepting;

    /// <summary>Opens the way.</summary>
    /// <param name="engine">The engine's socket.</param>
    /// <param name="connection">The connection that breaks, in the order in which they are made; -1 for none.</param>
    /// <param name="breakAt">How many bytes of the engine's pass before.</param>
    /// <param name="isHalf">Whether only the engine's direction ends.</param>
    public ByteWay(string engine, int connection, long breakAt, bool isHalf)
    {
        (_engine, _connection, _breakAt, _isHalf) = (engine, connection, breakAt, isHalf);
        Path = System.IO.Path.Combine(_folder.FullName, "s");
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public string Path { get; }

    /// <summary>The engine's bytes that passed, by connection.</summary>
    public IReadOnlyList<long> Passed
    {
        get
        {
            lock (_passed)
            {
                return [.. _passed];
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task AcceptAsync()
    {
        List<Task> open = [];
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptAsync(_stop.Token);
                int number;
                lock (_passed)
                {
                    number = _passed.Count;
                    _passed.Add(0);
                }

                open.Add(PassAsync(client, number));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task PassAsync(Socket client, int number)
    {
        using (client)
        using (Socket engine = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await engine.ConnectAsync(new UnixDomainSocketEndPoint(_engine));
            await Task.WhenAll(CopyAsync(client, engine, null), CopyAsync(engine, client, number));
        }
    }

    private async Task CopyAsync(Socket from, Socket to, int? number)
    {
        byte[] buffer = new byte[16 * 1024];
        long passed = 0;
        try
        {
            while (true)
            {
                int count = await from.ReceiveAsync(buffer, _stop.Token);
                int room = number == _connection ? (int)Math.Min(count, _breakAt - passed) : count;
                await to.SendAsync(buffer.AsMemory(0, room), _stop.Token);
                passed += room;
                if (number is { } own)
                {
                    lock (_passed)
                    {
                        _passed[own] = passed;
                    }
                }

                if (count == 0 || room < count)
                {
                    to.Shutdown(room < count && !_isHalf ? SocketShutdown.Both : SocketShutdown.Send);
                    if (room < count && !_isHalf)
                    {
                        from.Shutdown(SocketShutdown.Both);
                    }

                    return;
                }
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side, or the test, has ended.
        }
    }
}
