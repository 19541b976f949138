using OpenCloud.Build.Client.Streams;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// One request and its response on its own HTTP/2 connection, as the client. No thread is dedicated to it: the reader receives for the
/// connection, and the caller that caused output sends it, unless another caller already does. One reader and one writer at a time, which
/// may be two tasks.
/// </summary>
/// <remarks>
/// Replies that the connection owes the peer (PING acknowledgements, WINDOW_UPDATE) are sent while a read or a write waits. A user that
/// does neither for long stalls the peer.
/// </remarks>
internal sealed partial class Http2ClientStream : IAsyncDisposable, IHttp2ConnectionEvents
{
    private const int ReceiveBufferSize = 64 * 1024;

    private readonly Stream _transport;
    private readonly Http2Options _options;
    private readonly Lock _sync = new();
    private readonly Http2Connection _connection;
    private readonly Http2Stream _stream;
    private readonly Http2ReceiveQueue _received = new();
    private readonly Http2Completion _read;
    private readonly Http2Completion _write;
    private readonly PooledReceiveBuffer _input = new(ReceiveBufferSize);
    private readonly Http2InlineSender _sender;
    private Memory<byte> _readBuffer;
    private int _readCount;
    private bool _receiving;
    private bool _responseEnded;
    private bool _interrupted;
    private Task? _closing;
    private Exception? _failure;
    private Http2ErrorCode _goAway;

    /// <summary>
    /// Sends a request's header fields on a fresh connection, pseudo-header fields first. This stream owns the transport, on which a canceled
    /// read must take no bytes and writes need no flush. Content, at most 64 KiB - 1 (the initial window), is sent with the fields; null
    /// when it is written later.
    /// </summary>
    internal Http2ClientStream(Stream transport, HeaderList headers, Http2Options options, ReadOnlyMemory<byte>? content = null)
    {
        _transport = transport;
        _options = options;
        _read = new Http2Completion(options.Work);
        _write = new Http2Completion(options.Work);
        _connection = new Http2Connection(options, this, Http2Role.Client);
        _stream = _connection.Request(headers);
        _sender = new Http2InlineSender(transport, _connection, options.Work, _sync, e => _ = Close(Lost(e)));
        if (content is { } whole)
        {
            RequireState(_connection.Write(_stream, whole, default), "The content is too large to be sent unasked.");
            _connection.WriteEnd(_stream);
        }

        _sender.Send();
    }

    /// <summary>The response's header fields, once <see cref="ReadAsync"/> has returned.</summary>
    internal HeaderList? ResponseHeaders { get; private set; }

    /// <summary>The response's trailers, once <see cref="ReadAsync"/> has returned 0; null when there were none.</summary>
    internal HeaderList? Trailers { get; private set; }

    /// <summary>Reads bytes of the response's content.</summary>
    /// <returns>How many bytes were read; 0 at the end.</returns>
    /// <exception cref="Http2Exception">The stream was reset, or the peer broke the protocol.</exception>
    /// <exception cref="IOException">The connection is gone.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the stream stays usable and no data is lost.</exception>
    internal ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        int count = 0;
        short version = 0;
        bool receives = false;
        lock (_sync)
        {
            RequireState(!_read.IsPending && _readBuffer.IsEmpty, "A read is pending already.");
            if (_received.Length > 0)
            {
                count = _received.Read(buffer.Span);
                _connection.Consume(_stream, count);
            }
            else if (_responseEnded || _interrupted || buffer.IsEmpty)
            {
                return ValueTask.FromResult(0);
            }
            else if (_failure is not null)
            {
                return ValueTask.FromException<int>(_failure);
            }
            else
            {
                _readBuffer = buffer;
                _readCount = 0;
                receives = !_receiving;
                _receiving = true;
                if (!receives)
                {
                    version = _read.Begin();
                    if (cancellationToken.CanBeCanceled)
                    {
                        _read.CancelWith(static (state, token) => ((Http2ClientStream)state!).CancelRead(token), this, cancellationToken);
                    }
                }
            }
        }

        if (count > 0)
        {
            _sender.SendElsewhere();
            return ValueTask.FromResult(count);
        }

        return receives ? ReceiveForReaderAsync(cancellationToken) : new ValueTask<int>(_read, version);
    }

    internal bool TryInterruptRead()
    {
        if (_transport is not IInterruptibleReader reader)
        {
            return false;
        }

        lock (_sync)
        {
            _interrupted = true;
        }

        return reader.TryInterruptRead();
    }

    /// <summary>Sends request content from two buffers. Completes when all of it is taken, which the peer's windows or a slow transport delay.</summary>
    /// <remarks>Cancellation resets the stream, because the number of bytes sent is unknown.</remarks>
    /// <exception cref="IOException">The response has ended, or the connection is gone.</exception>
    /// <exception cref="Http2Exception">The stream was reset, or the peer broke the protocol.</exception>
    internal ValueTask WriteAsync(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        bool taken;
        short version = 0;
        lock (_sync)
        {
            RequireState(!_write.IsPending && !_stream.LocalEnded, "A write is pending already, or the request has ended.");
            if ((_failure ?? (_responseEnded ? ResponseHasEnded() : null)) is { } failure)
            {
                return ValueTask.FromException(failure);
            }

            taken = head.Length + body.Length == 0 || _connection.Write(_stream, head, body);
            if (!taken)
            {
                version = _write.Begin();
                if (cancellationToken.CanBeCanceled)
                {
                    _write.CancelWith(static (state, token) => ((Http2ClientStream)state!).CancelWrite(token), this, cancellationToken);
                }
            }
        }

        _sender.Send();
        if (taken)
        {
            return ValueTask.CompletedTask;
        }

        ReceiveForWriterIfNobodyElse();
        return new ValueTask(_write, version);
    }

    /// <summary>Ends the request; the response can still be read.</summary>
    internal void CompleteWriting()
    {
        lock (_sync)
        {
            RequireState(!_write.IsPending, "A write is pending.");
            if (_stream.Closed || _stream.LocalEnded)
            {
                return;
            }

            _connection.WriteEnd(_stream);
        }

        _sender.Send();
    }

    /// <summary>Ends the stream, as canceled unless it had ended, and the connection.</summary>
    public ValueTask DisposeAsync() => new(Close(new ObjectDisposedException(nameof(Http2ClientStream))));

    void IHttp2ConnectionEvents.OnHeaders(Http2Stream stream, HeaderList headers) => ResponseHeaders = headers;

    void IHttp2ConnectionEvents.OnData(Http2Stream stream, ReadOnlySpan<byte> data)
    {
        // When no read waits, the bytes of the last read still count, but its buffer is gone.
        int count = Math.Clamp(_readBuffer.Length - _readCount, 0, data.Length);
        if (count > 0)
        {
            data[..count].CopyTo(_readBuffer.Span[_readCount..]);
            _readCount += count;
            _connection.Consume(stream, count);
        }

        _received.Append(data[count..]);
    }

    void IHttp2ConnectionEvents.OnEnded(Http2Stream stream, HeaderList? trailers)
    {
        Trailers = trailers;
        _responseEnded = true;
    }

    void IHttp2ConnectionEvents.OnReset(Http2Stream stream, Http2ErrorCode errorCode, bool byPeer)
    {
        // grpc-go resets a stream that it has answered before the request ended (RFC 9113, 8.1): the answer counts then.
        if (!_responseEnded)
        {
            _failure ??= new Http2Exception(errorCode, byPeer ? "The stream was reset by the peer." : "The stream was reset because the peer broke the protocol on it.");
        }
    }

    void IHttp2ConnectionEvents.OnWritten(Http2Stream stream)
    {
        if (_write.IsPending)
        {
            _write.SetResult(0);
        }
    }

    void IHttp2ConnectionEvents.OnGoAway(int lastStreamId, Http2ErrorCode errorCode)
    {
        _goAway = errorCode;
        if (lastStreamId < _stream.Id && !_responseEnded)
        {
            _failure ??= new Http2Exception(Http2ErrorCode.RefusedStream, "The peer is shutting down and did not accept the stream.");
        }
    }

    private static void RequireState(bool isRight, string message)
    {
        if (!isRight)
        {
            throw new InvalidOperationException(message);
        }
    }

    private static IOException ResponseHasEnded() => new("The peer ended the stream while it was still being sent to.");

    /// <summary>Marks the connection as ended. Under the lock.</summary>
    /// <returns>The reason: the first one is kept.</returns>
    private Exception Fail(Exception failure, Http2ErrorCode errorCode)
    {
        if (!_connection.IsDraining)
        {
            _connection.Fail(errorCode);
        }

        _failure ??= failure;
        FailWrite(_failure);
        return _failure;
    }

    private void FailWrite(Exception failure)
    {
        if (_write.IsPending)
        {
            _write.SetException(failure);
        }
    }

    private static IOException Lost(Exception e) => e as IOException ?? new IOException("The connection was lost.", e);

    private void CancelRead(CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            if (_read.IsPendingWith(cancellationToken))
            {
                _readBuffer = default;
                _read.SetException(new OperationCanceledException(cancellationToken));
            }
        }
    }

    private void CancelWrite(CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            if (!_write.IsPendingWith(cancellationToken))
            {
                return;
            }

            _write.SetException(new OperationCanceledException(cancellationToken));
        }

        _ = Close(new Http2Exception(Http2ErrorCode.Cancel, "The stream was reset because writing to it was cancelled."));
    }

    private Task Close(Exception reason)
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        bool isOver;
        lock (_sync)
        {
            if (_closing is not null)
            {
                return _closing;
            }

            _closing = closed.Task;
            isOver = _failure is null && _stream is { LocalEnded: true, RemoteEnded: true };
            if (!_connection.IsDraining)
            {
                _connection.Reset(_stream, Http2ErrorCode.Cancel);
            }

            Fail(reason, Http2ErrorCode.NoError);
            if (_read.IsPending)
            {
                _readBuffer = default;
                _read.SetException(_failure!);
            }
        }

        _ = CloseAsync(isOver, closed);
        return closed.Task;
    }

    private async Task CloseAsync(bool isOver, TaskCompletionSource closed)
    {
        try
        {
            if (isOver)
            {
                // Both sides have ended: a peer whose only stream has ended learns nothing from a GOAWAY.
                _transport.Dispose();
            }
            else
            {
                // The peer should learn of the end, but only within the timeout.
                await _sender.FinishAsync(_options.GoAwayTimeout).ConfigureAwait(false);
                await _transport.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception)
        {
            // The stream was given up; nobody can react to how it ends.
        }

        lock (_sync)
        {
            // A buffer that a loop still uses is left to the garbage collector, not returned to the pool.
            if (!_sender.IsSending && !_receiving)
            {
                _received.Clear();
                _input.Dispose();
                _connection.Dispose();
                _sender.Dispose();
            }
        }

        closed.TrySetResult();
    }
}
