namespace OpenCloud.Build.Client.Builds;

/// <summary>Ends a build when it has run for too long. The time stands still while the build waits for others.</summary>
internal sealed class TimeLimit : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly TimeProvider _clock;
    private long _begun;

    public TimeLimit(TimeSpan time, CancellationToken cancellationToken, TimeProvider? clock = null)
    {
        Left = time;
        _clock = clock ?? TimeProvider.System;
        _source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Resume();
    }

    /// <summary>Is cancelled with the caller's token, and when the time is over.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The time that was left when the limit began to run the last time.</summary>
    public TimeSpan Left { get; private set; }

    public bool IsPaused { get; private set; }

    public void Pause()
    {
        _source.CancelAfter(Timeout.InfiniteTimeSpan);
        TimeSpan left = Left - _clock.GetElapsedTime(_begun);
        Left = left > TimeSpan.Zero ? left : TimeSpan.Zero;
        IsPaused = true;
    }

    public void Resume()
    {
        IsPaused = false;
        _begun = _clock.GetTimestamp();
        _source.CancelAfter(Left);
    }

    public void Dispose() => _source.Dispose();
}
