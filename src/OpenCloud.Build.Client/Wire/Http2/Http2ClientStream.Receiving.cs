using System.Runtime.ExceptionServices;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <content>
/// Receiving. A waiting reader receives itself, so that no further thread is involved. Otherwise, while a write waits for the peer, a task
/// receives and ends when the write does.
/// </content>
internal sealed partial class Http2ClientStream
{
    private bool IsReadDue => _readCount > 0 || _responseEnded || _failure is not null;

    private async ValueTask<int> ReceiveForReaderAsync(CancellationToken cancellationToken)
    {
        bool isDue;
        do
        {
            int count;
            try
            {
                count = await _transport.ReadAsync(_input.Free, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Exception failure;
                lock (_sync)
                {
                    _receiving = false;
                    _readBuffer = default;
                    bool isCancelled = e is OperationCanceledException && cancellationToken.IsCancellationRequested;
                    failure = isCancelled ? e : Fail(Lost(e), Http2ErrorCode.NoError);
                }

                ReceiveForWriterIfNobodyElse();
                ExceptionDispatchInfo.Throw(failure);
                throw;
            }

            lock (_sync)
            {
                if (count == 0 && _interrupted)
                {
                    _receiving = false;
                    _readBuffer = default;
                    return 0;
                }

                Receive(count);
                isDue = IsReadDue;
                if (isDue)
                {
                    _receiving = false;
                    _readBuffer = default;
                }
            }

            _sender.SendElsewhere();
        }
        while (!isDue);

        ReceiveForWriterIfNobodyElse();
        return _readCount > 0 || _responseEnded ? _readCount : throw _failure!;
    }

    /// <summary>Starts receiving for a write that waits for the peer, unless somebody receives already.</summary>
    private void ReceiveForWriterIfNobodyElse()
    {
        lock (_sync)
        {
            if (_receiving || !_write.IsPending)
            {
                return;
            }
        }

        _options.Work.Queue(static stream => _ = ((Http2ClientStream)stream!).ReceiveForWriterAsync(), this);
    }

    private async Task ReceiveForWriterAsync()
    {
        lock (_sync)
        {
            if (_receiving || !_write.IsPending)
            {
                return;
            }

            _receiving = true;
        }

        bool goesOn = true;
        while (goesOn)
        {
            try
            {
                int count = await _transport.ReadAsync(_input.Free, CancellationToken.None).ConfigureAwait(false);
                lock (_sync)
                {
                    Receive(count);
                    goesOn = EndReceiving();
                }
            }
            catch (Exception e)
            {
                lock (_sync)
                {
                    Fail(Lost(e), Http2ErrorCode.NoError);
                    goesOn = EndReceiving();
                }
            }

            _sender.SendElsewhere();
        }
    }

    /// <summary>Passes received bytes to the waiting read. Under the lock.</summary>
    /// <returns>Whether to go on receiving because an operation still waits.</returns>
    private bool EndReceiving()
    {
        if (_read.IsPending && (IsReadDue || _interrupted))
        {
            _readBuffer = default;
            if (_readCount > 0 || _responseEnded || _failure is null)
            {
                _read.SetResult(_readCount);
            }
            else
            {
                _read.SetException(_failure!);
            }
        }

        return _receiving = _failure is null && !_interrupted && (_read.IsPending || _write.IsPending);
    }

    /// <summary>Processes received bytes. Under the lock.</summary>
    private void Receive(int count)
    {
        if (_failure is not null)
        {
            return;
        }

        if (count == 0 && _interrupted)
        {
            // Nobody reads any more, so the event that a write waits for cannot arrive.
            FailWrite(new IOException("Reading was ended while the stream was still being sent to."));
            return;
        }

        if (count == 0)
        {
            Fail(
                _goAway == Http2ErrorCode.NoError
                    ? new IOException("The peer closed the connection.")
                    : new Http2Exception(_goAway, "The peer closed the connection."),
                Http2ErrorCode.NoError);
            return;
        }

        try
        {
            _input.Added(count);
            _input.Taken(_connection.Receive(_input.Span));
        }
        catch (Http2Exception e)
        {
            Fail(e, e.ErrorCode);
            return;
        }

        if (_responseEnded || _failure is not null)
        {
            // The peer wants no more of the request, and the connection carries no other stream.
            _connection.Reset(_stream, Http2ErrorCode.Cancel);
            FailWrite(_failure ?? ResponseHasEnded());
        }
    }
}
