namespace OpenCloud.Build.Host.Releases;

/// <summary>Ends the wait for a server that sends nothing, or next to nothing, for a while.</summary>
internal sealed class StallWatch : IDisposable
{
    // A server that trickles holds its client up as one that is silent does.
    private const int SlowestBytes = 1024;

    private readonly TimeSpan _timeout;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _stall;
    private int _sinceProgress;

    /// <summary>Begins to watch.</summary>
    /// <param name="timeout">How long the server may take for its headers, and for each kilobyte of its answer.</param>
    /// <param name="cancellationToken">Stops the wait for other reasons.</param>
    public StallWatch(TimeSpan timeout, CancellationToken cancellationToken)
    {
        _timeout = timeout;
        _cancellationToken = cancellationToken;
        _stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _stall.CancelAfter(timeout);
    }

    /// <summary>Waits for something that counts as progress when it ends.</summary>
    /// <exception cref="StalledException">It took too long.</exception>
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
    /// <exception cref="StalledException">Too little came.</exception>
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

    /// <inheritdoc/>
    public void Dispose() => _stall.Dispose();
}

/// <summary>A server sent too little for too long.</summary>
internal sealed class StalledException(TimeSpan timeout) : IOException($"it sent nothing, or next to nothing, for {timeout.TotalSeconds:0.###} seconds");
