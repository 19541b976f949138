using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Linux;

/// <summary>Runs work: on the pool, or on a session's own threads.</summary>
internal abstract class WorkQueue
{
    public static WorkQueue Pool { get; } = new PoolQueue();

    /// <summary>Runs work soon, on another thread.</summary>
    public abstract void Queue(Action<object?> work, object? state);

    /// <summary>Starts asynchronous work in this queue; the work decides where its continuations run.</summary>
    /// <returns>A task whose awaiters continue on the thread that completes it.</returns>
    public Task Run(Func<Task> work) => Run(async () =>
    {
        await work().ConfigureAwait(false);
        return true;
    });

    /// <summary>Starts asynchronous work in this queue; the work decides where its continuations run.</summary>
    /// <returns>A task whose awaiters continue on the thread that completes it.</returns>
    public Task<T> Run<T>(Func<Task<T>> work)
    {
        TaskCompletionSource<T> ended = new();
        Queue(static state => _ = RunAsync(((Func<Task<T>>, TaskCompletionSource<T>))state!), (work, ended));
        return ended.Task;
    }

    /// <summary>Lets items that were queued before run first.</summary>
    public Turn Yield() => new(this);

    private static async Task RunAsync<T>((Func<Task<T>> Work, TaskCompletionSource<T> Ended) state)
    {
        Task<T> task = InvokeAsync(state.Work);
        await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        state.Ended.SetFromTask(task);
    }

    /// <summary>Turns an exception thrown before the work returns its task into a failure of the task.</summary>
    private static async Task<T> InvokeAsync<T>(Func<Task<T>> work) => await work().ConfigureAwait(false);

    /// <summary>The awaitable of <see cref="Yield"/>, to be awaited once.</summary>
    public readonly struct Turn(WorkQueue queue) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;

        public Turn GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation) => queue.Queue(static state => ((Action)state!)(), continuation);
    }

    private sealed class PoolQueue : WorkQueue
    {
        public override void Queue(Action<object?> work, object? state) => ThreadPool.UnsafeQueueUserWorkItem(work, state, preferLocal: true);
    }
}
