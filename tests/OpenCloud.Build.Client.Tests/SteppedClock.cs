namespace OpenCloud.Build.Client.Tests;

/// <summary>A clock that stands until a test moves it; timers fire on the thread that does.</summary>
internal sealed class SteppedClock : TimeProvider
{
    private readonly List<Armed> _timers = [];
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Armed timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets time pass, and everything fire that is due by then.</summary>
    public void Advance(TimeSpan time)
    {
        long now = Interlocked.Add(ref _now, time.Ticks);
        while (true)
        {
            Armed? due;
            lock (_timers)
            {
                due = _timers.Where(t => t.Due <= now).MinBy(static t => t.Due);
                if (due is null)
                {
                    return;
                }

                due.Next();
            }

            due.Fire();
        }
    }

    private sealed class Armed(SteppedClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        /// <summary>When it fires.</summary>
        public long Due { get; private set; }

        public void Fire() => callback(state);

        /// <summary>Arms it for its next time, or takes it away. The caller has the lock.</summary>
        public void Next()
        {
            Due += _period.Ticks;
            if (_period <= TimeSpan.Zero)
            {
                clock._timers.Remove(this);
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._timers)
            {
                clock._timers.Remove(this);
                if (dueTime >= TimeSpan.Zero)
                {
                    (Due, _period) = (clock.GetTimestamp() + dueTime.Ticks, period);
                    clock._timers.Add(this);
                }
            }

            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
