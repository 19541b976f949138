namespace OpenCloud.Build.Client.Threading;

/// <summary>
/// The threads of one session. Those of the pool look for more work in a loop of some 60 <c>sched_yield</c> before they sleep, and a
/// session has thousands of short waits a second: on a busy machine that was four tenths of a build's CPU. These sleep at once. They may
/// also block, in a write to the engine or in a read from a slow disk, which threads of the pool should not.
/// </summary>
/// <remarks>
/// Threads are taken as they are needed, from those that an earlier session has left where there are any: to start one costs more than a
/// small build's work on it. What is queued after the end goes to the pool.
/// </remarks>
internal sealed class SessionThreads : WorkQueue, IDisposable
{
    // One each that waits for the session's, the solve's and the status' bytes, one that writes, up to four that read files, and two for
    // whatever comes meanwhile.
    private const int MaxThreads = 10;

    // Reads that hang (NFS, FUSE) may hold all of them, and the session's health is asked for every five seconds. Where nothing was taken from the
    // queue for a while, another thread is added: hanging threads cost memory, a session that does not answer costs the build.
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

    /// <inheritdoc/>
    public override void Queue(Action<object?> work, object? state)
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _work.Enqueue((work, state));
                if (_idle > 0)
                {
                    // Whoever is woken counts as busy from now on, so that the next item wakes another.
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

    /// <summary>Has the threads end once nothing waits.</summary>
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
