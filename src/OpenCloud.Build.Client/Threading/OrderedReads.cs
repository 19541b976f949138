using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Client.Threading;

/// <summary>Runs reads concurrently and returns their results in order, each as soon as it and all earlier ones are complete.</summary>
internal static class OrderedReads
{
    /// <summary>Reads the items. At most atOnce reads run or wait to be taken, which bounds the memory.</summary>
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
            // When the consumer stops early, or a read fails, no read stays behind.
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running.Select(static Task (t) => t)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
