using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// Serves HTTP/2 over any byte stream, as the server. One loop receives and one loop sends; all state is in an
/// <see cref="Http2Connection"/>, guarded by one lock under which nothing waits. The caller owns the transport, whose reads and writes
/// must honor their cancellation tokens.
/// </summary>
internal sealed class Http2Server : IAsyncDisposable, IHttp2ConnectionEvents
{
    private const int ReceiveBufferSize = 128 * 1024;

    private readonly Stream _transport;
    private readonly Func<Http2ServerStream, CancellationToken, Task> _handler;
    private readonly Http2Options _options;
    private readonly Http2Completion _sendSignal;
    private readonly HashSet<Http2ServerStream> _streams = [];
    private readonly List<Http2ServerStream> _newStreams = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _handlersEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private readonly Http2Silence _silence;
    private Task? _run;
    private bool _closing;
    private bool _peerIsGone;

    /// <summary>
    /// Creates a server for one connection. The handler is called for each request, several at a time. A request ends with its handler: an open
    /// response is ended, one that never began is reset.
    /// </summary>
    internal Http2Server(Stream transport, Func<Http2ServerStream, CancellationToken, Task> handler, Http2Options? options = null)
    {
        _transport = transport;
        _handler = handler;
        _options = options ?? new Http2Options();
        _sendSignal = new Http2Completion(_options.Work);
        Connection = new Http2Connection(_options, this);
        _silence = new Http2Silence(_options);
    }

    internal Lock Sync { get; } = new();

    internal WorkQueue Work => _options.Work;

    internal Http2Connection Connection { get; }

    /// <summary>Serves until the peer closes the connection or sends GOAWAY. May be called once.</summary>
    /// <exception cref="Http2Exception">The peer broke the protocol or a limit; it was told by GOAWAY.</exception>
    /// <exception cref="IOException">The transport failed.</exception>
    /// <exception cref="Http2SilenceException">The peer no longer answers.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the peer was sent GOAWAY if possible.</exception>
    internal Task RunAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.CompareExchange(ref _run, Task.CompletedTask, null) is not null)
        {
            throw new InvalidOperationException("A server runs once.");
        }

        return _run = RunCoreAsync(cancellationToken);
    }

    /// <summary>Accepts no further requests; <see cref="RunAsync"/> ends when the current requests are complete.</summary>
    internal void BeginShutdown()
    {
        lock (Sync)
        {
            Connection.BeginShutdown();
            SignalIfOutputWaits();
            CheckDrained();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (Interlocked.CompareExchange(ref _run, Task.CompletedTask, null) is Task run)
        {
            await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        else
        {
            Connection.Dispose();
        }
    }

    /// <summary>Wakes the send loop. Under the lock.</summary>
    internal void SignalIfOutputWaits()
    {
        if (_sendSignal.IsPending && Connection.OutputLength > 0)
        {
            _sendSignal.SetResult(0);
        }
    }

    void IHttp2ConnectionEvents.OnHeaders(Http2Stream stream, HeaderList headers)
    {
        Http2ServerStream serverStream = new(this, stream, headers);
        stream.Owner = serverStream;
        _streams.Add(serverStream);
        _newStreams.Add(serverStream);
    }

    void IHttp2ConnectionEvents.OnData(Http2Stream stream, ReadOnlySpan<byte> data) => Owner(stream).OnData(data);

    void IHttp2ConnectionEvents.OnEnded(Http2Stream stream, HeaderList? trailers) => Owner(stream).OnRequestEnded(trailers);

    void IHttp2ConnectionEvents.OnReset(Http2Stream stream, Http2ErrorCode errorCode, bool byPeer) =>
        Owner(stream).Fail(new Http2Exception(errorCode, byPeer ? "The stream was reset by the peer." : "The stream was reset because the peer broke the protocol on it."));

    void IHttp2ConnectionEvents.OnWritten(Http2Stream stream) => Owner(stream).OnWritten();

    void IHttp2ConnectionEvents.OnGoAway(int lastStreamId, Http2ErrorCode errorCode) => CheckDrained();

    private static Http2ServerStream Owner(Http2Stream stream) => (Http2ServerStream)stream.Owner!;

    private void CheckDrained()
    {
        if (Connection.IsDrained)
        {
            _drained.TrySetResult();
        }
    }

    private async Task RunCoreAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource stopReceiving = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancellationToken);
        using CancellationTokenSource stopSending = new();
        Task receiving = Work.Run(() => ReceiveLoopAsync(stopReceiving.Token));
        Task sending = Work.Run(() => SendLoopAsync(stopSending.Token));

        Task first;
        using (_silence.Begin(OnTick))
        {
            first = await Task.WhenAny(receiving, sending, _drained.Task, _silence.Found).ConfigureAwait(false);
        }

        Exception? failure = first == _silence.Found ? _silence.ToException() : first.Exception?.InnerException;
        bool cancelled = stopReceiving.IsCancellationRequested;
        bool peerIsThere = first != sending && (cancelled || failure is Http2Exception || first == _drained.Task);
        // Not CancelAsync, which takes a pool thread: the canceled reader resumes on its own.
        stopReceiving.Cancel();
        Close(failure as Http2Exception, peerIsThere);

        if (!peerIsThere)
        {
            stopSending.Cancel();
        }

        stopSending.CancelAfter(_options.GoAwayTimeout);
        await WaitAsync(_handlersEnded.Task, _options.HandlerShutdownTimeout).ConfigureAwait(false);
        await WaitAsync(Task.WhenAll(receiving, sending), _options.HandlerShutdownTimeout).ConfigureAwait(false);
        if (receiving.IsCompleted && sending.IsCompleted)
        {
            lock (Sync)
            {
                if (Connection.Occupied == 0)
                {
                    // Otherwise a loop still uses the buffers; then the garbage collector gets them, not the pool.
                    Connection.Dispose();
                }
            }
        }

        if (failure is not null && !cancelled)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        if (cancelled)
        {
            throw new OperationCanceledException("Serving was cancelled.", cancellationToken);
        }
    }

    private void OnTick()
    {
        lock (Sync)
        {
            if (!_closing && _silence.Tick())
            {
                Connection.Ping();
                SignalIfOutputWaits();
            }
        }
    }

    private static async Task WaitAsync(Task task, TimeSpan timeout)
    {
        try
        {
            await task.WaitAsync(timeout).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // How the connection ended is already known; later errors or hangs of its loops add nothing.
        }
    }

    private void Close(Http2Exception? failure, bool peerIsThere)
    {
        lock (Sync)
        {
            _closing = true;
            _peerIsGone = !peerIsThere;
            Connection.Fail(failure?.ErrorCode ?? Http2ErrorCode.NoError);
            IOException reason = new("The HTTP/2 connection was closed.", failure);
            foreach (Http2ServerStream stream in _streams)
            {
                stream.Fail(reason);
            }

            if (Connection.Occupied == 0)
            {
                _handlersEnded.TrySetResult();
            }

            if (_sendSignal.IsPending)
            {
                _sendSignal.SetResult(0);
            }
        }
    }

    private async Task ReceiveLoopAsync(CancellationToken cancellationToken)
    {
        using PooledReceiveBuffer buffer = new(ReceiveBufferSize);
        List<Http2ServerStream> started = new();
        while (true)
        {
            int count;
            try
            {
                count = await _transport.ReadAsync(buffer.Free, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset } && HasAnsweredAll())
            {
                // The peer closed a socket that still held unread output of ours, such as a PING acknowledgement.
                return;
            }

            if (count == 0)
            {
                return;
            }

            buffer.Added(count);
            lock (Sync)
            {
                _silence.OnReceived();
                if (_closing)
                {
                    return;
                }

                try
                {
                    buffer.Taken(Connection.Receive(buffer.Span));
                }
                finally
                {
                    // Streams that began before an error are passed to it, so that all streams end the same way.
                    started.AddRange(_newStreams);
                    _newStreams.Clear();
                    SignalIfOutputWaits();
                    StartHandlers(started);
                }
            }
        }
    }

    private bool HasAnsweredAll()
    {
        lock (Sync)
        {
            return _streams.All(static stream => stream.IsResponseEnded);
        }
    }

    private void StartHandlers(List<Http2ServerStream> started)
    {
        foreach (Http2ServerStream stream in started)
        {
            Work.Queue(static state => _ = ((Http2ServerStream)state!).Server.RunHandlerAsync((Http2ServerStream)state), stream);
        }

        started.Clear();
    }

    private async Task RunHandlerAsync(Http2ServerStream stream)
    {
        try
        {
            await _handler(stream, stream.Aborted).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // A handler answers its own errors. One that throws is reported to the peer as an internal error.
            stream.Reset(Http2ErrorCode.InternalError);
        }

        lock (Sync)
        {
            stream.Finish();
            _streams.Remove(stream);
            SignalIfOutputWaits();
            CheckDrained();
            if (_closing && Connection.Occupied == 0)
            {
                _handlersEnded.TrySetResult();
            }
        }
    }

    private async Task SendLoopAsync(CancellationToken cancellationToken)
    {
        PooledBuffer spare = Http2Output.CreateGather();
        while (true)
        {
            PooledBuffer? gather = null;
            ValueTask<int> signal = default;
            lock (Sync)
            {
                if (Connection.OutputLength > 0 && !_peerIsGone)
                {
                    gather = Connection.TakeOutput(spare);
                }
                else if (_closing)
                {
                    spare.Dispose();
                    return;
                }
                else
                {
                    signal = new ValueTask<int>(_sendSignal, _sendSignal.Begin());
                }
            }

            if (gather is null)
            {
                await signal.ConfigureAwait(false);
                continue;
            }

            await _transport.WriteAsync(gather.Memory, cancellationToken).ConfigureAwait(false);
            await _transport.FlushAsync(cancellationToken).ConfigureAwait(false);
            gather.Clear();
            spare = gather;
        }
    }
}
