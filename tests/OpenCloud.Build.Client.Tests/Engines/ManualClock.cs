namespace OpenCloud.Build.Client.Tests.Engines;

/// <summary>A clock whose timers fire as soon as they are armed, and move the time with them.</summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly Lock _lock = new();
    private long _ticks;

    public TimeSpan Elapsed => TimeSpan.FromTicks(Interlocked.Read(ref _ticks));

    /// <summary>Timers at least this long only fire when the time has come by others.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(10);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime < TimeSpan.Zero || dueTime >= Patience)
        {
            return new Armed(null);
        }

        lock (_lock)
        {
            _ticks += dueTime.Ticks;
        }

        return new Armed(new Timer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan));
    }

    private sealed class Armed(Timer? timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => timer?.Dispose();

        public ValueTask DisposeAsync() => timer?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
