namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>A clock whose timers fire when the test says so.</summary>
internal sealed class TickClock : TimeProvider
{
    private readonly List<Ticking> _timers = [];

    /// <summary>The timers that are there.</summary>
    public int Count
    {
        get
        {
            lock (_timers)
            {
                return _timers.Count;
            }
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Ticking timer = new(this, () => callback(state));
        lock (_timers)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    /// <summary>Lets every timer fire once.</summary>
    public void Tick()
    {
        Ticking[] timers;
        lock (_timers)
        {
            timers = [.. _timers];
        }

        foreach (Ticking timer in timers)
        {
            timer.Fire();
        }
    }

    private sealed class Ticking(TickClock clock, Action fire) : ITimer
    {
        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
            lock (clock._timers)
            {
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
