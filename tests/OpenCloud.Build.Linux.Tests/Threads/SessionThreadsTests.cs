using OpenCloud.Build.Client.Threading;
using Xunit;

namespace OpenCloud.Build.Linux.Tests.Threads;

public sealed class SessionThreadsTests
{
    private const string Name = "OpenCloud.Build session";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Work_goes_on_where_it_was_put()
    {
        using SessionThreads threads = new();
        List<string?> names = [];
        await threads.Run(async () =>
        {
            names.Add(Thread.CurrentThread.Name);
            await threads.Yield();
            names.Add(Thread.CurrentThread.Name);
            await threads.Run(() => Task.CompletedTask);
        }).WaitAsync(Limit, Token);
        Assert.Equal([Name, Name], names);
    }

    [Fact]
    public async Task Work_that_blocks_does_not_hold_up_the_rest()
    {
        using SessionThreads threads = new();
        using ManualResetEventSlim released = new();
        Task[] blocked = [.. Enumerable.Range(0, 6).Select(_ => threads.Run(() =>
        {
            released.Wait(Token);
            return Task.CompletedTask;
        }))];
        for (int i = 0; i < 100; i++)
        {
            await threads.Run(() => Task.CompletedTask).WaitAsync(Limit, Token);
        }

        released.Set();
        await Task.WhenAll(blocked).WaitAsync(Limit, Token);
    }

    [Fact]
    public async Task Reads_that_hang_on_every_thread_do_not_hold_up_the_rest()
    {
        using SessionThreads threads = new();
        using ManualResetEventSlim released = new();
        Task[] hanging = [.. Enumerable.Range(0, 24).Select(_ => threads.Run(() =>
        {
            released.Wait(Token);
            return Task.CompletedTask;
        }))];
        await threads.Run(() => Task.CompletedTask).WaitAsync(Limit, Token);
        Assert.All(hanging, static task => Assert.False(task.IsCompleted));
        released.Set();
        await Task.WhenAll(hanging).WaitAsync(Limit, Token);
    }

    [Fact]
    public async Task Everything_that_is_queued_from_many_threads_runs_once()
    {
        using SessionThreads threads = new();
        int ran = 0;
        await Task.WhenAll(Enumerable.Range(0, 20_000).Select(_ => Task.Run(() => threads.Run(() =>
        {
            Interlocked.Increment(ref ran);
            return Task.CompletedTask;
        })))).WaitAsync(Limit, Token);
        Assert.Equal(20_000, ran);
    }

    [Fact]
    public async Task What_comes_after_the_end_runs_in_the_pool()
    {
        SessionThreads threads = new();
        await threads.Run(() => Task.CompletedTask).WaitAsync(Limit, Token);
        threads.Dispose();
        bool isPool = false;
        await threads.Run(() =>
        {
            isPool = Thread.CurrentThread.IsThreadPoolThread;
            return Task.CompletedTask;
        }).WaitAsync(Limit, Token);
        Assert.True(isPool);
    }

    [Fact]
    public async Task Threads_of_a_session_that_has_ended_serve_the_next()
    {
        HashSet<Thread> seen = [];
        for (int i = 0; i < 100; i++)
        {
            using SessionThreads threads = new();
            await threads.Run(WorkAsync).WaitAsync(Limit, Token);

            Task WorkAsync()
            {
                lock (seen)
                {
                    seen.Add(Thread.CurrentThread);
                }

                return Task.CompletedTask;
            }
        }

        // Not two: a thread may still be on its way to where the next session looks, and other tests take some.
        Assert.InRange(seen.Count, 1, 60);
    }

    [Fact]
    public async Task A_result_and_an_error_reach_who_awaits()
    {
        using SessionThreads threads = new();
        Assert.Equal(7, await threads.Run(() => Task.FromResult(7)).WaitAsync(Limit, Token));
        IOException error = await Assert.ThrowsAsync<IOException>(() => threads.Run<int>(() => throw new IOException("gone")).WaitAsync(Limit, Token));
        Assert.Equal("gone", error.Message);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => threads.Run<int>(() => throw new OperationCanceledException()).WaitAsync(Limit, Token));
    }

    [Fact]
    public async Task A_gate_lets_one_pass_at_a_time_in_order()
    {
        using SessionThreads threads = new();
        SerialGate gate = new(threads);
        List<int> order = [];
        int inside = 0;
        await gate.EnterAsync();
        Task[] waiting = [.. Enumerable.Range(0, 50).Select(async i =>
        {
            await gate.EnterAsync();
            Assert.Equal(1, Interlocked.Increment(ref inside));
            order.Add(i);
            await threads.Yield();
            Interlocked.Decrement(ref inside);
            gate.Exit();
        })];
        Assert.Empty(order);
        gate.Exit();
        await Task.WhenAll(waiting).WaitAsync(Limit, Token);
        Assert.Equal(Enumerable.Range(0, 50), order);
    }

    [Fact]
    public async Task A_thread_that_nobody_needs_ends()
    {
        Thread? own = null;
        using (SessionThreads threads = new())
        {
            await threads.Run(() =>
            {
                own = Thread.CurrentThread;
                return Task.CompletedTask;
            }).WaitAsync(Limit, Token);
        }

        // Other tests may make use of it meanwhile; they end, too.
        Assert.True(await Task.Run(() => own!.Join(TimeSpan.FromSeconds(60)), Token));
    }

    [Fact]
    public async Task What_is_thrown_comes_out_as_it_was()
    {
        using SessionThreads threads = new();
        using CancellationTokenSource stop = new();
        await stop.CancelAsync();
        OperationCanceledException thrown = new("ended by hand", stop.Token);
        OperationCanceledException caught = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => threads.Run<int>(() => throw thrown).WaitAsync(Limit, Token));
        Assert.Equal("ended by hand", caught.Message);
        Assert.Equal(stop.Token, caught.CancellationToken);
    }
}
