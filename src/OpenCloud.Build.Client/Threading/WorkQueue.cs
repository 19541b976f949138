using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Client.Threading;

/// <summary>Where work goes on: the pool, or threads of a session's own.</summary>
internal abstract class WorkQueue
{
    /// <summary>The pool of the process.</summary>
    public static WorkQueue Pool { get; } = new PoolQueue();

    /// <summary>Has something run soon, on another thread.</summary>
    public abstract void Queue(Action<object?> work, object? state);

    /// <summary>Has something run soon that goes on where it is put.</summary>
    /// <returns>Its end. Who awaits it goes on where it ended.</returns>
    public Task Run(Func<Task> work) => Run(async () =>
    {
        await work().ConfigureAwait(false);
        return true;
    });

    /// <summary>Has something run soon that goes on where it is put.</summary>
    /// <typeparam name="T">What it results in.</typeparam>
    /// <returns>Its end. Who awaits it goes on where it ended.</returns>
    public Task<T> Run<T>(Func<Task<T>> work)
    {
        TaskCompletionSource<T> ended = new();
        Queue(static state => _ = RunAsync(((Func<Task<T>>, TaskCompletionSource<T>))state!), (work, ended));
        return ended.Task;
    }

    /// <summary>Lets what was queued before go first.</summary>
    public Turn Yield() => new(this);

    private static async Task RunAsync<T>((Func<Task<T>> Work, TaskCompletionSource<T> Ended) state)
    {
        Task<T> task = InvokeAsync(state.Work);
        await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        state.Ended.SetFromTask(task);
    }

    /// <summary>What the work throws before it has given a task is its task's, too.</summary>
    private static async Task<T> InvokeAsync<T>(Func<Task<T>> work) => await work().ConfigureAwait(false);

    /// <summary>What <see cref="Yield"/> gives, to be awaited once.</summary>
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
