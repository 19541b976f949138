using System.Runtime.CompilerServices;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>
/// Two ways to call one engine, each a <see cref="CallInvoker"/> for generated clients: one shared HTTP/2 connection,
/// which the first call opens and which is reopened after it ends; and calls with their own connection and thread.
/// </summary>
internal sealed class EngineChannel : IAsyncDisposable
{
    // An engine that accepted a connection before exists and is at most busy, so a short connect timeout does not apply to it.
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(30);

    private readonly IEngineConnector _connector;
    private readonly EngineConnectOptions _options;
    private readonly TimeSpan _connectTimeout;
    private readonly Lock _lock = new();
    private readonly HashSet<DedicatedCall> _open = [];
    private Stream? _firstConnection;
    private CallInvoker? _pooled;
    private bool _disposed;
    private volatile bool _greeted;

    public EngineChannel(IEngineConnector connector, EngineConnectOptions? options = null)
        : this(connector, null, options ?? new EngineConnectOptions())
    {
    }

    public EngineChannel(EngineConnection connection, EngineConnectOptions options)
        : this(connection.Connector, connection.Stream, options)
    {
    }

    private EngineChannel(IEngineConnector connector, Stream? firstConnection, EngineConnectOptions options)
    {
        _connector = connector;
        _options = options;
        _connectTimeout = options.ConnectTimeout;
        Clock = options.TimeProvider;
        _firstConnection = firstConnection;
        Authority = Address.Host is { } host ? $"{(host.Contains(':') ? $"[{host}]" : host)}:{Address.Port}" : "localhost";
    }

    public EngineAddress Address => _connector.Address;

    public string Name => Address.ToString();

    public TimeProvider Clock { get; }

    public string Authority { get; }

    /// <summary>Whether the peer of a dedicated call has begun with HTTP/2.</summary>
    public bool IsGreeted => _greeted;

    /// <summary>Calls on the shared connection. Its code is loaded on first use only: no build needs it.</summary>
    public CallInvoker Pooled
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _pooled ??= CreatePooled();
            }
        }
    }

    /// <summary>The channel of one build: with several nodes one of its own, which stays on a node and is disposed with the build; else this one.</summary>
    /// <param name="key">What a node is chosen for: builds with the same key return to the same node.</param>
    public EngineChannel For(string key) => (_connector as INodeConnector)?.For(key) is { } node ? new EngineChannel(node, _options) : this;

    /// <summary>Chooses the node of <see cref="For"/>, whose address is <see cref="Address"/> afterwards.</summary>
    /// <exception cref="EngineConnectException">No node can be used.</exception>
    public async ValueTask ChooseNodeAsync(CancellationToken cancellationToken)
    {
        if (_connector is not INodeConnector node)
        {
            return;
        }

        EngineConnectOptions options = _options with { ConnectTimeout = _connectTimeout > ShortestWait ? _connectTimeout : ShortestWait };
        _ = await ConnectRetry.RunAsync(ChooseAsync, Address, options, cancellationToken).ConfigureAwait(false);

        async ValueTask<bool> ChooseAsync(CancellationToken attempt)
        {
            await node.ChooseAsync(attempt).ConfigureAwait(false);
            return true;
        }
    }

    /// <summary>Calls with their own connections, on threads that end when the invoker is disposed.</summary>
    public DedicatedCallInvoker OpenDedicated() => new(this);

    public async ValueTask DisposeAsync()
    {
        DedicatedCall[] calls;
        lock (_lock)
        {
            _disposed = true;
            calls = [.. _open];
        }

        foreach (DedicatedCall call in calls)
        {
            await call.DisposeAsync().ConfigureAwait(false);
        }

        (_pooled as IDisposable)?.Dispose();
        if (Interlocked.Exchange(ref _firstConnection, null) is { } unused)
        {
            await unused.DisposeAsync().ConfigureAwait(false);
        }

        (_connector as IDisposable)?.Dispose();
    }

    /// <summary>The initial connection, or a new one.</summary>
    internal async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken) =>
        Interlocked.Exchange(ref _firstConnection, null) ?? await _connector.ConnectAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>The same, for a call with its own connection.</summary>
    /// <exception cref="EngineConnectException">The engine cannot be reached, or not in time.</exception>
    internal async ValueTask<Stream> ConnectDedicatedAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Interlocked.Exchange(ref _firstConnection, null) is { } first)
        {
            return first;
        }

        using CancellationTokenSource timeout = new(_connectTimeout > ShortestWait ? _connectTimeout : ShortestWait, Clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await _connector.ConnectAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new EngineConnectException(EngineConnectReason.Timeout, Address, $"{Name} did not accept the connection in time.", e);
        }
    }

    /// <summary>Registers a call that ends with the channel.</summary>
    /// <returns>False when the channel has ended.</returns>
    internal bool Keep(DedicatedCall call)
    {
        lock (_lock)
        {
            return !_disposed && _open.Add(call);
        }
    }

    /// <summary>A clause about a peer that has not begun with HTTP/2 within a time.</summary>
    internal string DescribeSilence(TimeSpan waited) => SilentPeer.Describe(_connector, waited);

    internal void Greet() => _greeted = true;

    internal void Forget(DedicatedCall call)
    {
        lock (_lock)
        {
            _open.Remove(call);
        }
    }

    // A separate method, so that no other method of this class refers to the types that it loads.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PooledCallInvoker CreatePooled() => new(this, _connectTimeout);
}
