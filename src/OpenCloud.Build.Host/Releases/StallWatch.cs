namespace OpenCloud.Build.Host.Releases;

/// <summary>Ends the wait for a server that sends nothing, or next to nothing, for a while.</summary>
internal sealed class StallWatch : IDisposable
{
    // A server that sends a trickle blocks its client just as a silent one does.
    private const int SlowestBytes = 1024;

    private readonly TimeSpan _timeout;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _stall;
    private int _sinceProgress;

    /// <summary>Starts to watch. The timeout applies to the server's headers, and to each kilobyte of its answer.</summary>
    public StallWatch(TimeSpan timeout, CancellationToken cancellationToken)
    {
        _timeout = timeout;
        _cancellationToken = cancellationToken;
        _stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _stall.CancelAfter(timeout);
    }

    /// <summary>Waits for an operation whose end counts as progress.</summary>
    /// <exception cref="StalledException">The operation took too long.</exception>
    public async Task<T> WatchAsync<T>(Func<CancellationToken, Task<T>> wait)
    {
        try
        {
            T? result = await wait(_stall.Token).ConfigureAwait(false);
            _stall.CancelAfter(_timeout);
            return result;
        }
        catch (OperationCanceledException) when (!_cancellationToken.IsCancellationRequested)
        {
            throw new StalledException(_timeout);
        }
    }

    /// <summary>Reads a part of the answer.</summary>
    /// <exception cref="StalledException">Too few bytes arrived.</exception>
    public async ValueTask<int> ReadAsync(Stream body, Memory<byte> buffer)
    {
        try
        {
            int read = await body.ReadAsync(buffer, _stall.Token).ConfigureAwait(false);
            _sinceProgress += read;
            if (_sinceProgress >= SlowestBytes)
            {
                _sinceProgress = 0;
                _stall.CancelAfter(_timeout);
            }

            return read;
        }
        catch (OperationCanceledException) when (!_cancellationToken.IsCancellationRequested)
        {
            throw new StalledException(_timeout);
        }
    }

    public void Dispose() => _stall.Dispose();
}

/// <summary>A server sent too few bytes for too long.</summary>
internal sealed class StalledException(TimeSpan timeout) : IOException($"it sent no data, or almost none, for {timeout.TotalSeconds:0.###} seconds");
