using OpenCloud.Build.Client.Threading;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Threading;

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
    public async Task What_comes_after_the_end_runs_in_the_pool_and_the_threads_are_gone()
    {
        SessionThreads threads = new();
        Thread? own = null;
        await threads.Run(() =>
        {
            own = Thread.CurrentThread;
            return Task.CompletedTask;
        }).WaitAsync(Limit, Token);
        threads.Dispose();
        Assert.True(own!.Join(Limit));
        bool isPool = false;
        await threads.Run(() =>
        {
            isPool = Thread.CurrentThread.IsThreadPoolThread;
            return Task.CompletedTask;
        }).WaitAsync(Limit, Token);
        Assert.True(isPool);
    }

    [Fact]
    public async Task Errors_and_cancellation_come_out()
    {
        using SessionThreads threads = new();
        await Assert.ThrowsAsync<InvalidDataException>(() => threads.Run(() => throw new InvalidDataException()).WaitAsync(Limit, Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => threads.Run(() => throw new OperationCanceledException()).WaitAsync(Limit, Token));
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
}
