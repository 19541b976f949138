namespace OpenCloud.Build.Client.Threading;

/// <summary>Admits one caller at a time, in order of arrival; waiting callers continue in a <see cref="WorkQueue"/>.</summary>
internal sealed class SerialGate(WorkQueue queue)
{
    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private bool _taken;

    /// <summary>Waits for admission, which <see cref="Exit"/> ends.</summary>
    public ValueTask EnterAsync()
    {
        lock (_lock)
        {
            if (!_taken)
            {
                _taken = true;
                return ValueTask.CompletedTask;
            }

            TaskCompletionSource turn = new();
            _waiting.Enqueue(turn);
            return new ValueTask(turn.Task);
        }
    }

    public void Exit()
    {
        TaskCompletionSource? next;
        lock (_lock)
        {
            _taken = _waiting.TryDequeue(out next);
        }

        if (next is not null)
        {
            queue.Queue(static turn => ((TaskCompletionSource)turn!).SetResult(), next);
        }
    }
}
