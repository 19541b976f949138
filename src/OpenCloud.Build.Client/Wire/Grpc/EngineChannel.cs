using System.Runtime.CompilerServices;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>
/// The ways to call one engine, each a <see cref="CallInvoker"/> on which every generated client works: one HTTP/2 connection that all
/// share, which is made with the first call and anew when it has ended; and calls that have a connection and a thread each.
/// </summary>
internal sealed class EngineChannel : IAsyncDisposable
{
    // An engine that has let us in before is there, and at most busy: what a person waits for one that may not be says nothing of it.
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(30);

    private readonly IEngineConnector _connector;
    private readonly TimeSpan _connectTimeout;
    private readonly Lock _lock = new();
    private readonly HashSet<DedicatedCall> _open = [];
    private Stream? _firstConnection;
    private CallInvoker? _pooled;
    private bool _disposed;

    /// <summary>Creates a channel that connects with its first call.</summary>
    public EngineChannel(IEngineConnector connector, EngineConnectOptions? options = null)
        : this(connector, null, options ?? new EngineConnectOptions())
    {
    }

    /// <summary>Creates a channel on an engine that is connected already.</summary>
    public EngineChannel(EngineConnection connection, EngineConnectOptions options)
        : this(connection.Connector, connection.Stream, options)
    {
    }

    private EngineChannel(IEngineConnector connector, Stream? firstConnection, EngineConnectOptions options)
    {
        _connector = connector;
        _connectTimeout = options.ConnectTimeout;
        Clock = options.TimeProvider;
        _firstConnection = firstConnection;
        Authority = Address.Host is { } host ? $"{(host.Contains(':') ? $"[{host}]" : host)}:{Address.Port}" : "localhost";
    }

    /// <summary>The engine's address.</summary>
    public EngineAddress Address => _connector.Address;

    /// <summary>The engine's address, for errors.</summary>
    public string Name => Address.ToString();

    /// <summary>The clock of what waits for the engine.</summary>
    public TimeProvider Clock { get; }

    /// <summary>What requests call the engine.</summary>
    public string Authority { get; }

    /// <summary>Calls on the connection that all share. What it needs is only loaded when it is asked for: no build does.</summary>
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

    /// <summary>Calls that have a connection each, on threads that end with the invoker's disposal.</summary>
    public DedicatedCallInvoker OpenDedicated() => new(this);

    /// <summary>Ends the connections and with them every call.</summary>
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
    }

    /// <summary>The connection that was there from the beginning, or a new one.</summary>
    internal async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken) =>
        Interlocked.Exchange(ref _firstConnection, null) ?? await _connector.ConnectAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>The same, for a call of its own.</summary>
    /// <exception cref="EngineConnectException">The engine cannot be connected to, or not in time.</exception>
    internal async ValueTask<Stream> ConnectDedicatedAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Interlocked.Exchange(ref _firstConnection, null) is { } first)
        {
            return first;
        }

        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(_connectTimeout > ShortestWait ? _connectTimeout : ShortestWait);
        try
        {
            return await _connector.ConnectAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new EngineConnectException(EngineConnectReason.Timeout, Address, $"{Name} did not accept the connection in time.", e);
        }
    }

    /// <summary>Has a call end with the channel.</summary>
    /// <returns>False when that has ended.</returns>
    internal bool Keep(DedicatedCall call)
    {
        lock (_lock)
        {
            return !_disposed && _open.Add(call);
        }
    }

    /// <summary>A call has ended.</summary>
    internal void Forget(DedicatedCall call)
    {
        lock (_lock)
        {
            _open.Remove(call);
        }
    }

    // A method of its own, so that nothing else of this class refers to what it loads.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PooledCallInvoker CreatePooled() => new(this, _connectTimeout);
}
