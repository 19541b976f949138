using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// Sends a connection's output on the thread that caused it while the transport takes it synchronously, so that no other thread has to wake
/// up. A caller that arrives during a send leaves its output to that send. The lock is never held while sending. After a transport
/// failure, which is reported outside the lock, nothing is sent.
/// </summary>
internal sealed class Http2InlineSender(Stream transport, Http2Connection connection, WorkQueue work, Lock sync, Action<Exception> onFailed) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PooledBuffer _spare = Http2Output.CreateGather();
    private bool _sending;
    private bool _failed;
    private bool _finishing;

    internal bool IsSending => _sending;

    /// <summary>Sends pending output on another thread, for a caller that must not wait for the transport. Not under the lock.</summary>
    internal void SendElsewhere()
    {
        lock (sync)
        {
            if (_sending || _failed || connection.OutputLength == 0)
            {
                return;
            }
        }

        work.Queue(static sender => ((Http2InlineSender)sender!).Send(), this);
    }

    /// <summary>Sends pending output. Not under the lock.</summary>
    internal void Send()
    {
        PooledBuffer? gather;
        lock (sync)
        {
            if (_sending || _failed || connection.OutputLength == 0)
            {
                return;
            }

            _sending = true;
            gather = connection.TakeOutput(_spare);
        }

        try
        {
            while (gather is not null)
            {
                ValueTask write = transport.WriteAsync(gather.Memory, _stop.Token);
                if (!write.IsCompletedSuccessfully)
                {
                    _ = SendRestAsync(write, gather);
                    return;
                }

                gather = TakeNext(gather);
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    /// <summary>Sends pending output, or gives up after a time.</summary>
    internal async Task FinishAsync(TimeSpan timeout)
    {
        bool isIdle;
        lock (sync)
        {
            _finishing = true;
            isIdle = !_sending && (_failed || connection.OutputLength == 0);
        }

        if (isIdle)
        {
            return;
        }

        // On this thread: it is a few bytes, and the caller waits for the end of the stream anyway.
        _stop.CancelAfter(timeout);
        Send();
        try
        {
            await _idle.Task.WaitAsync(timeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Returns the buffers. No send may be under way.</summary>
    public void Dispose()
    {
        _spare.Dispose();
        _stop.Dispose();
    }

    private async Task SendRestAsync(ValueTask write, PooledBuffer gather)
    {
        try
        {
            await write.ConfigureAwait(false);
            for (PooledBuffer? next = TakeNext(gather); next is not null; next = TakeNext(next))
            {
                await transport.WriteAsync(next.Memory, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private PooledBuffer? TakeNext(PooledBuffer sent)
    {
        lock (sync)
        {
            sent.Clear();
            if (connection.OutputLength > 0)
            {
                return connection.TakeOutput(sent);
            }

            _spare = sent;
            _sending = false;
            if (_finishing)
            {
                _idle.TrySetResult();
            }

            return null;
        }
    }

    private void Fail(Exception e)
    {
        lock (sync)
        {
            // The buffer that was being sent is left to the collector: the transport may still read it.
            _spare = Http2Output.CreateGather();
            _failed = true;
            _sending = false;
            _idle.TrySetResult();
        }

        onFailed(e);
    }
}
