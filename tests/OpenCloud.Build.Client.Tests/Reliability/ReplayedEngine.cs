using System.Net.Sockets;

namespace OpenCloud.Build.Client.Tests.Reliability;

/// <summary>
/// An engine that says what was recorded, at the same points of the conversation, up to one byte of one of its calls; there the connection is cut or
/// half-closed, or nothing passes any more. Afterwards time goes on by the clock of the test's.
/// </summary>
internal sealed class ReplayedEngine : IAsyncDisposable
{
    // How long a part waits for the client, which sends the same as in the recording unless a connection broke.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // How long nothing is left to happen before the clock moves.
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(250);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ocb-replay-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _changed = new(0);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Connection> _connections = [];
    private readonly HashSet<string> _ended = [];
    private readonly RecordedBuild _recorded;
    private readonly string? _call;
    private readonly int _breakAt;
    private readonly string _fault;
    private readonly Task _work;

    /// <summary>Begins to listen.</summary>
    /// <param name="recorded">What it says.</param>
    /// <param name="call">The call that breaks; null for none.</param>
    /// <param name="breakAt">After how many bytes of that call's.</param>
    /// <param name="fault"><c>cut</c>, <c>half-close</c> or <c>stall</c>.</param>
    public ReplayedEngine(RecordedBuild recorded, string? call, int breakAt, string fault)
    {
        (_recorded, _call, _breakAt, _fault) = (recorded, call, breakAt, fault);
        Path = System.IO.Path.Combine(_folder.FullName, "s");
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        _work = Task.WhenAll(AcceptAsync(), PlayAsync());
    }

    /// <summary>The engine's socket.</summary>
    public string Path { get; }

    /// <summary>The clock of the client's.</summary>
    public SteppedClock Clock { get; } = new();

    /// <summary>How often the client did not send what it had sent in the recording.</summary>
    public int Differences { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
        _listener.Dispose();
        _stop.Dispose();
        _changed.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task AcceptAsync()
    {
        List<Task> open = [];
        try
        {
            while (true)
            {
                open.Add(ReceiveAsync(new Connection(await _listener.AcceptAsync(_stop.Token))));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task ReceiveAsync(Connection connection)
    {
        byte[] buffer = new byte[16 * 1024];
        using MemoryStream sent = new();
        using (connection.Socket)
        {
            try
            {
                while (await connection.Socket.ReceiveAsync(buffer, _stop.Token) is > 0 and int count)
                {
                    sent.Write(buffer, 0, count);
                    connection.Received = RecordedBuild.Count(sent.GetBuffer().AsSpan(0, (int)sent.Length));
                    if (connection.Call is null)
                    {
                        connection.Call = RecordedBuild.CallOf(sent.GetBuffer().AsSpan(0, (int)sent.Length));
                        if (connection.Call is { } call && !Join(call, connection))
                        {
                            // Nothing is recorded of a second call of a kind.
                            break;
                        }
                    }

                    _changed.Release();
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // The other side, or the test, has ended.
            }

            connection.HasEnded = true;
            if (!_stop.IsCancellationRequested)
            {
                _changed.Release();
            }
        }
    }

    private bool Join(string call, Connection connection)
    {
        lock (_lock)
        {
            return _connections.TryAdd(call, connection);
        }
    }

    private async Task PlayAsync()
    {
        try
        {
            Dictionary<string, int> said = [];
            foreach (RecordedBuild.Part part in _recorded.Parts)
            {
                if (_ended.Contains(part.Call) || await ReadyAsync(part) is not { } connection)
                {
                    continue;
                }

                int before = said.GetValueOrDefault(part.Call);
                said[part.Call] = before + part.Bytes.Length;
                bool breaks = part.Call == _call && before + part.Bytes.Length > _breakAt;
                await connection.Socket.SendAsync(part.Bytes.AsMemory(0, breaks ? _breakAt - before : part.Bytes.Length), _stop.Token);
                if (breaks && !Break(part.Call, connection))
                {
                    break;
                }
            }

            await Task.Delay(Quiet, _stop.Token);
            while (true)
            {
                Clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(2, _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The build has ended.
        }
    }

    /// <summary>The connection of a part, once the client has said what it had said before it, on all connections; null where it is not made, or has ended.</summary>
    private async Task<Connection?> ReadyAsync(RecordedBuild.Part part)
    {
        long begin = Environment.TickCount64;
        while (true)
        {
            Connection? connection;
            int received;
            bool isOneLost;
            lock (_lock)
            {
                connection = _connections.GetValueOrDefault(part.Call);
                received = _connections.Values.Sum(static c => c.Received);
                isOneLost = _connections.Values.Any(static c => c.HasEnded && c.Call != "ListWorkers");
            }

            if (connection is { HasEnded: true })
            {
                return null;
            }

            if (connection is not null && connection.Received >= part.After && (received >= part.AfterAll || isOneLost))
            {
                return connection;
            }

            if (Environment.TickCount64 - begin > Patience.TotalMilliseconds)
            {
                Differences++;
                return connection;
            }

            await _changed.WaitAsync(Patience, _stop.Token);
        }
    }

    /// <summary>Lets the fault happen, and says whether the engine goes on.</summary>
    private bool Break(string call, Connection connection)
    {
        if (_fault != "stall")
        {
            connection.Socket.Shutdown(_fault == "cut" ? SocketShutdown.Both : SocketShutdown.Send);
        }

        _ended.Add(call);
        // Without its session an engine does not get on with the build; what it then says is not recorded.
        return _fault != "stall" && call != "Session";
    }

    private sealed class Connection(Socket socket)
    {
        private volatile int _received;
        private volatile bool _hasEnded;

        public Socket Socket { get; } = socket;

        public string? Call { get; set; }

        public int Received
        {
            get => _received;
            set => _received = value;
        }

        public bool HasEnded
        {
            get => _hasEnded;
            set => _hasEnded = value;
        }
    }
}
