using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Client.Threading;

/// <summary>Runs reads side by side and gives their answers in order, each as soon as it and those before it are there.</summary>
internal static class OrderedReads
{
    /// <summary>Reads.</summary>
    /// <param name="items">What is read.</param>
    /// <param name="atOnce">How many reads run, or wait to be taken, at most: this bounds the memory.</param>
    /// <param name="read">Reads one.</param>
    /// <param name="cancellationToken">Stops all of them.</param>
    public static async IAsyncEnumerable<TResult> RunAsync<TItem, TResult>(
        IEnumerable<TItem> items, int atOnce, Func<TItem, CancellationToken, Task<TResult>> read, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Queue<Task<TResult>> running = new(atOnce);
        try
        {
            foreach (TItem? item in items)
            {
                if (running.Count == atOnce)
                {
                    yield return await running.Dequeue().ConfigureAwait(false);
                }

                running.Enqueue(read(item, stop.Token));
            }

            while (running.TryDequeue(out Task<TResult>? task))
            {
                yield return await task.ConfigureAwait(false);
            }
        }
        finally
        {
            // Whoever stops early, or fails, leaves no read behind.
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running.Select(static Task (t) => t)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
