namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>A clock that runs faster than time passes; the date is the system's.</summary>
internal sealed class FastClock(int times) : TimeProvider
{
    private readonly long _start = System.GetTimestamp();

    public override long GetTimestamp() => _start + ((System.GetTimestamp() - _start) * times);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new Quick(System.CreateTimer(callback, state, Shorter(dueTime, times), Shorter(period, times)), times);

    private static TimeSpan Shorter(TimeSpan time, int times) => time > TimeSpan.Zero ? time / times : time;

    private sealed class Quick(ITimer timer, int times) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Shorter(dueTime, times), Shorter(period, times));

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
