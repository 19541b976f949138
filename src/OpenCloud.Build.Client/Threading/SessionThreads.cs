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

    private readonly object _gate = new();
    private readonly Queue<(Action<object?> Work, object? State)> _work = new();
    private int _threads;
    private int _idle;
    private bool _ended;

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

                if (_threads == MaxThreads)
                {
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
        }
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
            }

            item.Work(item.State);
        }
    }
}
