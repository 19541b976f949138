using System.Net.Sockets;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>What becomes of a connection at a point.</summary>
public enum Fault
{
    /// <summary>Nothing; the way counts.</summary>
    None,

    /// <summary>What the test does then; the way itself stays as it is.</summary>
    Act,

    /// <summary>The connection ends both ways.</summary>
    Cut,

    /// <summary>The end of one direction is passed on, and the other direction goes on.</summary>
    HalfClose,

    /// <summary>Nothing passes any more, on any connection, and none is ended.</summary>
    Stall,

    /// <summary>From the beginning, everything passes slowly.</summary>
    Slow,
}

/// <summary>
/// A way to an engine that passes HTTP/2 on frame by frame and breaks at one of them: the n-th of one direction of one connection. Connections
/// count in the order in which they were made.
/// </summary>
internal sealed class FaultyWay : IAsyncDisposable
{
    // A slow way passes as many bytes a second in each direction of a connection.
    private const double SlowRate = 2 << 20;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ocb-way-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _scheme;
    private string _engine;
    private readonly (int Connection, bool FromEngine, int Frame) _point;
    private readonly Fault _fault;
    private readonly Func<Task>? _onFault;
    private readonly Task _accepting;
    private readonly List<(int FromClient, int FromEngine)> _frames = [];
    private volatile bool _stalled;

    /// <summary>Opens the way.</summary>
    /// <param name="engine">Where to.</param>
    /// <param name="fault">What happens.</param>
    /// <param name="point">Where it happens: before that frame, from 0.</param>
    /// <param name="onFault">Happens beside it; null for nothing.</param>
    public FaultyWay(RunningEngine engine, Fault fault, (int Connection, bool FromEngine, int Frame) point, Func<Task>? onFault = null)
    {
        _scheme = engine.Address[..engine.Address.IndexOf(':', StringComparison.Ordinal)];
        _engine = PathOf(engine);
        _fault = fault;
        _point = point;
        _onFault = onFault;
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(_folder.FullName, "s")));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    /// <summary>The address of the way.</summary>
    public string Address => $"{_scheme}://{SocketPath}";

    /// <summary>Its socket.</summary>
    public string SocketPath => $"{_folder.FullName}/s";

    /// <summary>The frames that passed, by connection.</summary>
    public IReadOnlyList<(int FromClient, int FromEngine)> Frames
    {
        get
        {
            lock (_frames)
            {
                return [.. _frames];
            }
        }
    }

    /// <summary>Whether the point was reached.</summary>
    public bool HasBroken { get; private set; }

    /// <summary>Leads to another engine from now on, as if the first had been restarted.</summary>
    public void LeadTo(RunningEngine engine) => Volatile.Write(ref _engine, PathOf(engine));

    /// <summary>Passes nothing any more from now on, as if a cable had been pulled.</summary>
    public void CutOff() => _stalled = true;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string PathOf(RunningEngine engine) => engine.Address[(engine.Address.IndexOf(':', StringComparison.Ordinal) + 3)..];

    private async Task AcceptAsync()
    {
        List<Task> open = [];
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptAsync(_stop.Token);
                int number;
                lock (_frames)
                {
                    number = _frames.Count;
                    _frames.Add(default);
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
        using Socket there = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (client)
        {
            try
            {
                await there.ConnectAsync(new UnixDomainSocketEndPoint(Volatile.Read(ref _engine)), _stop.Token);
                await Task.WhenAll(PassAsync(client, there, number, fromEngine: false), PassAsync(there, client, number, fromEngine: true));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One of the ends has gone, or the test has ended.
            }
        }
    }

    private async Task PassAsync(Socket from, Socket to, int number, bool fromEngine)
    {
        FrameSplitter splitter = new(isDocker: _scheme == "docker", fromEngine);
        byte[] buffer = new byte[64 * 1024];
        bool ended = false;
        while (true)
        {
            int count = await ReceiveAsync(from, buffer);
            if (count <= 0)
            {
                if (!ended)
                {
                    End(to, SocketShutdown.Send);
                }

                return;
            }

            foreach ((ReadOnlyMemory<byte> piece, bool beginsFrame) in splitter.Split(buffer.AsMemory(0, count)))
            {
                if (beginsFrame && Count(number, fromEngine) == _point.Frame && _fault != Fault.None && (number, fromEngine) == (_point.Connection, _point.FromEngine))
                {
                    HasBroken = true;
                    if (_onFault is not null)
                    {
                        await _onFault();
                    }

                    switch (_fault)
                    {
                        case Fault.Cut:
                            from.Dispose();
                            to.Dispose();
                            return;
                        case Fault.HalfClose:
                            End(to, SocketShutdown.Send);
                            ended = true;
                            break;
                        case Fault.Stall:
                            _stalled = true;
                            break;
                    }
                }

                if (_stalled)
                {
                    await Task.Delay(Timeout.Infinite, _stop.Token);
                }

                if (_fault == Fault.Slow)
                {
                    await Task.Delay(TimeSpan.FromSeconds(piece.Length / SlowRate), _stop.Token);
                }

                if (!ended)
                {
                    await SendAsync(to, piece);
                }
            }
        }
    }

    private int Count(int number, bool fromEngine)
    {
        lock (_frames)
        {
            (int client, int engine) = _frames[number];
            _frames[number] = fromEngine ? (client, engine + 1) : (client + 1, engine);
            return fromEngine ? engine : client;
        }
    }

    private async Task<int> ReceiveAsync(Socket socket, byte[] buffer)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, _stop.Token);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, _stop.Token)..];
        }
    }

    private static void End(Socket socket, SocketShutdown how)
    {
        try
        {
            socket.Shutdown(how);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has gone already.
        }
    }
}
