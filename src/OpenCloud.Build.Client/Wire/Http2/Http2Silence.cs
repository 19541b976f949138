namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// Finds out that a peer is gone without a word. What counts is ticks and not time: whoever was stopped itself, or slept with its machine, finds
/// one tick on waking up, and then the peer's octets that lay there. All calls are made under the lock of the connection's driver but <see cref="Begin"/>.
/// </summary>
internal sealed class Http2Silence(Http2Options options)
{
    private readonly TaskCompletionSource _found = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _unanswered;
    private bool _hasReceived;

    /// <summary>Ends when the peer has been silent for too long.</summary>
    public Task Found => _found.Task;

    /// <summary>What to say of it.</summary>
    public Http2SilenceException ToException() => new(options.UnansweredPings, options.PingInterval ?? default);

    /// <summary>Begins to count; null where that is not wanted. Whoever gets it ends it.</summary>
    /// <param name="onTick">Called for each tick.</param>
    public ITimer? Begin(Action onTick) => options.PingInterval is { } interval
        ? options.TimeProvider.CreateTimer(static tick => ((Action)tick!)(), onTick, interval, interval)
        : null;

    /// <summary>The peer has sent something.</summary>
    public void OnReceived() => _hasReceived = true;

    /// <summary>A tick has passed: whether a PING is due.</summary>
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
