namespace OpenCloud.Build.Linux;

/// <summary>
/// The threads of one session. Pool threads look for more work in a loop of some 60 <c>sched_yield</c> before they sleep, and a
/// session has thousands of short waits a second: on a busy machine that was 40 % of a build's CPU. These threads sleep at once. They may
/// also block, in a write to the engine or a read from a slow disk, which pool threads should not.
/// </summary>
/// <remarks>
/// Threads are taken on demand, first from those that an earlier session left: starting one costs more than a
/// small build's work on it. Work queued after the end goes to the pool.
/// </remarks>
internal sealed class SessionThreads : WorkQueue, IDisposable
{
    // One thread each waits for the bytes of the session, the solve and the status, one writes, up to four read files, and two are for
    // other work.
    private const int MaxThreads = 10;

    // Hanging reads (NFS, FUSE) may hold all threads, but the engine checks the session's health every five seconds. When no item was taken from
    // the queue for a while, another thread is added: hanging threads cost memory, an unresponsive session costs the build.
    private const int MostThreads = 64;

    private static readonly TimeSpan Stalled = TimeSpan.FromMilliseconds(250);

    private readonly object _gate = new();
    private readonly Queue<(Action<object?> Work, object? State)> _work = new();
    private readonly Timer _watch;
    private int _threads;
    private int _idle;
    private long _taken;
    private long _takenBefore;
    private bool _watched;
    private bool _ended;

    public SessionThreads() => _watch = new Timer(static threads => ((SessionThreads)threads!).AddWhereNothingGoesOn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public override void Queue(Action<object?> work, object? state)
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _work.Enqueue((work, state));
                if (_idle > 0)
                {
                    // A woken thread counts as busy from now on, so that the next item wakes another.
                    _idle--;
                    Monitor.Pulse(_gate);
                    return;
                }

                if (_threads >= MaxThreads)
                {
                    Watch();
                    return;
                }

                _threads++;
                work = null!;
            }
        }

        if (work is null)
        {
            SessionThread.Start(Loop);
        }
        else
        {
            Pool.Queue(work, state);
        }
    }

    /// <summary>Ends the threads once no work waits.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            Monitor.PulseAll(_gate);
            if (_work.Count == 0)
            {
                _watch.Dispose();
            }
        }
    }

    // Under the gate.
    private void Watch()
    {
        if (!_watched)
        {
            _watched = true;
            _takenBefore = _taken;
            _ = _watch.Change(Stalled, Timeout.InfiniteTimeSpan);
        }
    }

    private void AddWhereNothingGoesOn()
    {
        lock (_gate)
        {
            _watched = false;
            if (_work.Count == 0)
            {
                if (_ended)
                {
                    _watch.Dispose();
                }

                return;
            }

            bool stalled = _taken == _takenBefore && _threads < MostThreads;
            Watch();
            if (!stalled)
            {
                return;
            }

            _threads++;
        }

        SessionThread.Start(Loop);
    }

    private void Loop()
    {
        while (true)
        {
            (Action<object?> Work, object? State) item;
            lock (_gate)
            {
                while (!_work.TryDequeue(out item))
                {
                    if (_ended)
                    {
                        return;
                    }

                    _idle++;
                    Monitor.Wait(_gate);
                }

                _taken++;
            }

            item.Work(item.State);
        }
    }
}
