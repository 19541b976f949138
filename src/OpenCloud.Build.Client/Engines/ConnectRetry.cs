namespace OpenCloud.Build.Client.Engines;

/// <summary>Repeats attempts by <see cref="ConnectSchedule"/> while the engine may still be starting.</summary>
internal static class ConnectRetry
{
    /// <summary>Connects, or fails with the last attempt's error.</summary>
    /// <exception cref="EngineConnectException">No attempt succeeded, or one failed in a way that waiting does not fix.</exception>
    public static ValueTask<Stream> ConnectAsync(IEngineConnector connector, EngineConnectOptions options, CancellationToken cancellationToken) =>
        RunAsync(connector.ConnectAsync, connector.Address, options, cancellationToken);

    public static async ValueTask<T> RunAsync<T>(
        Func<CancellationToken, ValueTask<T>> connect,
        EngineAddress? address,
        EngineConnectOptions options,
        CancellationToken cancellationToken)
    {
        TimeProvider clock = options.TimeProvider;
        long start = clock.GetTimestamp();
        using CancellationTokenSource limit = new(options.ConnectTimeout, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        EngineConnectException? previous = null;
        for (int attempt = 1; ; attempt++)
        {
            EngineConnectException error;
            try
            {
                return await connect(either.Token).ConfigureAwait(false);
            }
            catch (EngineConnectException e)
            {
                error = e;
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && limit.IsCancellationRequested)
            {
                // An attempt that took too long says less than the one before it, which had an answer.
                error = previous ?? new EngineConnectException(
                    EngineConnectReason.Timeout, address, $"{address?.ToString() ?? "No engine"} {ConnectStalledException.WhatOf(e)} within {options.ConnectTimeout.TotalSeconds:0.###} s.", e);
            }

            error.Attempts = attempt;
            cancellationToken.ThrowIfCancellationRequested();
            TimeSpan? pause = error.MayBeStarting ? ConnectSchedule.Next(attempt, clock.GetElapsedTime(start), options.ConnectTimeout) : null;
            if ((error.Address ?? address) is { } tried)
            {
                options.OnFailedAttempt?.Invoke(new ConnectAttempt(attempt, tried, error, pause));
            }

            if (pause is not { } wait)
            {
                throw error;
            }

            previous = error;
            await Task.Delay(wait, clock, cancellationToken).ConfigureAwait(false);
        }
    }
}
