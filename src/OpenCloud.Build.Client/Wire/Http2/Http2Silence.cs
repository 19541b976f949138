namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// Detects a peer that is gone silently. It counts ticks, not time: a process that was stopped or a machine that slept sees one tick on
/// waking up, and then the peer's bytes that had arrived. All calls except <see cref="Begin"/> are made under the lock of the driver.
/// </summary>
internal sealed class Http2Silence(Http2Options options)
{
    private readonly TaskCompletionSource _found = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _unanswered;
    private bool _hasReceived;

    public Task Found => _found.Task;

    public Http2SilenceException ToException() => new(options.UnansweredPings, options.PingInterval ?? default);

    /// <summary>Begins to count; null when no interval is set. The caller disposes of the timer.</summary>
    public ITimer? Begin(Action onTick) => options.PingInterval is { } interval
        ? options.TimeProvider.CreateTimer(static tick => ((Action)tick!)(), onTick, interval, interval)
        : null;

    public void OnReceived() => _hasReceived = true;

    /// <summary>Counts a tick; returns whether a PING is due.</summary>
    public bool Tick()
    {
        if (_hasReceived)
        {
            _hasReceived = false;
            _unanswered = 0;
            return false;
        }

        if (_unanswered == options.UnansweredPings)
        {
            _found.TrySetResult();
            return false;
        }

        _unanswered++;
        return true;
    }
}
