using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// One request and its response. Reading and writing may go on at the same time, but only one of each. Valid until the handler ends.
/// </summary>
internal sealed class Http2ServerStream : IByteReader
{
    // Deferred output is sent once it is this large, in bytes.
    private const int WorthSending = 64 * 1024;

    private readonly Http2Server _server;
    private readonly Http2Stream _stream;
    private readonly Http2ReceiveQueue _received = new();
    private readonly Http2Completion _read;
    private readonly Http2Completion _write;
    private readonly CancellationTokenSource _aborted = new();
    private Memory<byte> _readBuffer;
    private Exception? _failure;
    private bool _requestEnded;

    internal Http2ServerStream(Http2Server server, Http2Stream stream, HeaderList headers)
    {
        _server = server;
        _read = new Http2Completion(server.Work);
        _write = new Http2Completion(server.Work);
        _stream = stream;
        RequestHeaders = headers;
        Method = headers[":method"] ?? string.Empty;
        Path = headers[":path"] ?? string.Empty;
        Aborted = _aborted.Token;
    }

    internal Http2Server Server => _server;

    internal int Id => _stream.Id;

    internal string Method { get; }

    internal string Path { get; }

    internal HeaderList RequestHeaders { get; }

    /// <summary>The request's trailers, once <see cref="ReadAsync"/> has returned 0; null when there were none.</summary>
    internal HeaderList? RequestTrailers { get; private set; }

    /// <summary>Cancelled when the stream was reset or the connection is gone.</summary>
    internal CancellationToken Aborted { get; }

    internal bool HasResponded => _stream.HeadersSent;

    internal bool IsResponseEnded => _stream.LocalEnded;

    /// <summary>Reads bytes of the request's content. Deferred output is sent before a read waits.</summary>
    /// <returns>How many bytes were read; 0 at the end.</returns>
    /// <exception cref="Http2Exception">The stream was reset.</exception>
    /// <exception cref="IOException">The connection is gone.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        short version;
        lock (_server.Sync)
        {
            RequireIdle(_read);
            if (_failure is not null)
            {
                return ValueTask.FromException<int>(_failure);
            }

            if (_received.Length > 0)
            {
                int count = _received.Read(buffer.Span);
                _server.Connection.Consume(_stream, count);
                _server.SignalIfOutputWaits();
                return ValueTask.FromResult(count);
            }

            if (_requestEnded || buffer.IsEmpty)
            {
                return ValueTask.FromResult(0);
            }

            version = _read.Begin();
            _readBuffer = buffer;
            _server.SignalIfOutputWaits();
        }

        RegisterCancellation(_read, static (state, token) => ((Http2ServerStream)state!).CancelRead(token), cancellationToken);
        return new ValueTask<int>(_read, version);
    }

    /// <summary>Sends header fields; those of a response begin with <c>:status</c>.</summary>
    internal ValueTask WriteHeadersAsync(HeaderList headers, bool endStream = false, bool moreFollows = false)
    {
        lock (_server.Sync)
        {
            RequireIdle(_write);
            if (_failure is not null)
            {
                return ValueTask.FromException(_failure);
            }

            RequireState(!_stream.LocalEnded, "The response has ended.");
            _server.Connection.WriteHeaders(_stream, headers, endStream);
            SignalUnless(moreFollows);
        }

        return ValueTask.CompletedTask;
    }

    internal ValueTask WriteTrailersAsync(HeaderList trailers) => WriteHeadersAsync(trailers, endStream: true);

    internal ValueTask CompleteAsync()
    {
        lock (_server.Sync)
        {
            RequireIdle(_write);
            if (_failure is not null)
            {
                return ValueTask.FromException(_failure);
            }

            RequireState(_stream.HeadersSent && !_stream.LocalEnded, "The response has not begun or has ended.");
            _server.Connection.WriteEnd(_stream);
            _server.SignalIfOutputWaits();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Sends bytes of the response's content. Completes when all are taken, which the peer's windows or a slow transport delay.</summary>
    internal ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        WriteAsync(default, content, moreFollows: false, cancellationToken);

    /// <summary>Sends response content from two buffers. Cancellation resets the stream, because the number of bytes sent is unknown.</summary>
    /// <remarks>
    /// With moreFollows, the bytes may be deferred. They are sent at the latest when the handler waits in a read, flushes or ends: a handler
    /// that waits for anything else must flush first.
    /// </remarks>
    internal ValueTask WriteAsync(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body, bool moreFollows, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        short version;
        lock (_server.Sync)
        {
            RequireIdle(_write);
            if (_failure is not null)
            {
                return ValueTask.FromException(_failure);
            }

            RequireState(_stream.HeadersSent && !_stream.LocalEnded, "The response has not begun or has ended.");
            if (_server.Connection.Write(_stream, head, body))
            {
                SignalUnless(moreFollows);
                return ValueTask.CompletedTask;
            }

            version = _write.Begin();
            _server.SignalIfOutputWaits();
        }

        RegisterCancellation(_write, static (state, token) => ((Http2ServerStream)state!).CancelWrite(token), cancellationToken);
        return new ValueTask(_write, version);
    }

    internal void Flush()
    {
        lock (_server.Sync)
        {
            _server.SignalIfOutputWaits();
        }
    }

    internal void Reset(Http2ErrorCode errorCode)
    {
        lock (_server.Sync)
        {
            if (!_stream.Closed)
            {
                _server.Connection.Reset(_stream, errorCode);
                _server.SignalIfOutputWaits();
            }

            Fail(new Http2Exception(errorCode, "The stream was reset by its handler."));
        }
    }

    /// <summary>Receives bytes. Under the lock.</summary>
    internal void OnData(ReadOnlySpan<byte> data)
    {
        if (_read.IsPending)
        {
            int count = Math.Min(data.Length, _readBuffer.Length);
            data[..count].CopyTo(_readBuffer.Span);
            data = data[count..];
            _readBuffer = default;
            _server.Connection.Consume(_stream, count);
            _read.SetResult(count);
        }

        _received.Append(data);
    }

    /// <summary>Ends the request. Under the lock.</summary>
    internal void OnRequestEnded(HeaderList? trailers)
    {
        _requestEnded = true;
        RequestTrailers = trailers;
        if (_read.IsPending)
        {
            _readBuffer = default;
            _read.SetResult(0);
        }
    }

    /// <summary>Completes the pending write. Under the lock.</summary>
    internal void OnWritten()
    {
        if (_write.IsPending)
        {
            _write.SetResult(0);
        }
    }

    /// <summary>Ends the stream with an error. Under the lock.</summary>
    internal void Fail(Exception failure)
    {
        if (End(failure))
        {
            // Callbacks run on the pool, not here under the lock.
            _ = _aborted.CancelAsync();
        }
    }

    /// <summary>Completes what the handler left open when it ended. Under the lock.</summary>
    internal void Finish()
    {
        if (!_stream.Closed && !_stream.LocalEnded)
        {
            if (_stream.HeadersSent && _stream.PendingLength == 0)
            {
                _server.Connection.WriteEnd(_stream);
            }
            else
            {
                _server.Connection.Reset(_stream, Http2ErrorCode.InternalError);
            }
        }

        _server.Connection.Release(_stream);
        End(new ObjectDisposedException(nameof(Http2ServerStream), "The handler of this stream has ended."));
    }

    private static void RequireIdle(Http2Completion completion) => RequireState(!completion.IsPending, "An operation of this kind is pending already.");

    private static void RequireState(bool isRight, string message)
    {
        if (!isRight)
        {
            throw new InvalidOperationException(message);
        }
    }

    private bool End(Exception failure)
    {
        if (_failure is not null)
        {
            return false;
        }

        _failure = failure;
        _received.Clear();
        if (_read.IsPending)
        {
            _readBuffer = default;
            _read.SetException(failure);
        }

        if (_write.IsPending)
        {
            _write.SetException(failure);
        }

        return true;
    }

    private void SignalUnless(bool moreFollows)
    {
        if (!moreFollows || _server.Connection.OutputLength >= WorthSending)
        {
            _server.SignalIfOutputWaits();
        }
    }

    private void RegisterCancellation(Http2Completion completion, Action<object?, CancellationToken> onCancelled, CancellationToken cancellationToken)
    {
        // The stream's own token needs no callback: its cancellation ends the operation anyway.
        if (!cancellationToken.CanBeCanceled || cancellationToken == Aborted)
        {
            return;
        }

        lock (_server.Sync)
        {
            if (completion.IsPending)
            {
                completion.CancelWith(onCancelled, this, cancellationToken);
            }
        }
    }

    private void CancelRead(CancellationToken cancellationToken)
    {
        lock (_server.Sync)
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
        lock (_server.Sync)
        {
            if (_write.IsPendingWith(cancellationToken))
            {
                _server.Connection.Reset(_stream, Http2ErrorCode.Cancel);
                _server.SignalIfOutputWaits();
                _write.SetException(new OperationCanceledException(cancellationToken));
                Fail(new Http2Exception(Http2ErrorCode.Cancel, "The stream was reset because writing to it was cancelled."));
            }
        }
    }
}
