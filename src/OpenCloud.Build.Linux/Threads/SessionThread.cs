namespace OpenCloud.Build.Linux;

/// <summary>
/// A thread that runs one loop after another and waits between them for a while: builds often follow each other, and starting and ending
/// a thread takes some 150 µs of CPU, waking one a sixth of that.
/// </summary>
internal sealed class SessionThread
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly List<SessionThread> Waiting = [];

    [ThreadStatic]
    private static bool _isCurrent;

    private readonly object _gate = new();
    private Action? _loop;

    private SessionThread(Action loop) => _loop = loop;

    /// <summary>Whether the calling thread is a session thread, which may block.</summary>
    public static bool IsCurrent => _isCurrent;

    /// <summary>Runs a loop on a dedicated thread.</summary>
    public static void Start(Action loop)
    {
        SessionThread? waiting = null;
        lock (Waiting)
        {
            if (Waiting.Count > 0)
            {
                // The thread that has waited for the shortest time: its stack is most likely still in a cache.
                waiting = Waiting[^1];
                Waiting.RemoveAt(Waiting.Count - 1);
            }
        }

        if (waiting is not null)
        {
            waiting.Give(loop);
        }
        else
        {
            new Thread(new SessionThread(loop).Run) { IsBackground = true, Name = "OpenCloud.Build session" }.UnsafeStart();
        }
    }

    private void Give(Action loop)
    {
        lock (_gate)
        {
            _loop = loop;
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        _isCurrent = true;
        for (Action? loop = _loop; loop is not null; loop = Next())
        {
            loop();
        }
    }

    private Action? Next()
    {
        lock (_gate)
        {
            _loop = null;
        }

        lock (Waiting)
        {
            Waiting.Add(this);
        }

        lock (_gate)
        {
            if (_loop is null)
            {
                Monitor.Wait(_gate, Patience);
            }
        }

        lock (Waiting)
        {
            if (Waiting.Remove(this))
            {
                return null;
            }
        }

        lock (_gate)
        {
            // The thread is no longer in the list, so a loop is set or about to be set.
            while (_loop is null)
            {
                Monitor.Wait(_gate);
            }

            return _loop;
        }
    }
}
