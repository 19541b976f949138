using System.Security.Cryptography;
using OpenCloud.Build.Client.Streams;
using OpenCloud.Build.Client.Tests.Wire.Http2;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Streams;

public sealed class BlockingSocketStreamTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reads_and_writes_are_done_when_they_return()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        await using BlockingSocketStream stream = new(pair.Client, WorkQueue.Pool);
        byte[] sent = RandomNumberGenerator.GetBytes(3_000_000);
        Task echo = Task.Run(async () =>
        {
            byte[] received = new byte[sent.Length];
            await pair.Server.ReadExactlyAsync(received, Token);
            await pair.Server.WriteAsync(received, Token);
        }, Token);
        Assert.True(stream.WriteAsync(sent, Token).IsCompletedSuccessfully);
        byte[] answer = new byte[sent.Length];
        for (int filled = 0; filled < answer.Length;)
        {
            ValueTask<int> read = stream.ReadAsync(answer.AsMemory(filled), Token);
            Assert.True(read.IsCompletedSuccessfully);
            filled += await read;
        }

        Assert.Equal(sent, answer);
        await echo.WaitAsync(Limit, Token);
        pair.Server.Dispose();
        Assert.Equal(0, await stream.ReadAsync(answer, Token));
    }

    [Fact]
    public async Task A_cancelled_read_has_taken_nothing_and_the_next_one_is_not_disturbed()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        await using BlockingSocketStream stream = new(pair.Client, WorkQueue.Pool);
        for (byte i = 1; i < 20; i++)
        {
            using CancellationTokenSource cancellationToken = new();
            Task<int> read = Task.Run(async () => await stream.ReadAsync(new byte[10], cancellationToken.Token), Token);
            await cancellationToken.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.WaitAsync(Limit, Token));
            await pair.Server.WriteAsync(new byte[] { i }, Token);
            byte[] answer = new byte[10];
            Assert.Equal(1, await Task.Run(async () => await stream.ReadAsync(answer, Token), Token).WaitAsync(Limit, Token));
            Assert.Equal(i, answer[0]);
        }
    }

    [Fact]
    public async Task A_write_that_the_peer_does_not_take_can_be_cancelled()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        await using BlockingSocketStream stream = new(pair.Client, WorkQueue.Pool);
        using CancellationTokenSource cancellationToken = new(TimeSpan.FromMilliseconds(100));
        Task write = Task.Run(async () => await stream.WriteAsync(new byte[10_000_000], cancellationToken.Token), Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.WaitAsync(Limit, Token));
    }

    [Fact]
    public async Task A_reader_is_sent_home_at_once_and_for_good_and_writing_goes_on()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        await using BlockingSocketStream stream = new(pair.Client, WorkQueue.Pool);
        using ManualResetEventSlim reading = new();
        Task<int> read = Task.Run(
            async () =>
            {
                reading.Set();
                return await stream.ReadAsync(new byte[10], Token);
            },
            Token);
        reading.Wait(Token);
        Assert.True(stream.TryInterruptRead());
        Assert.Equal(0, await read.WaitAsync(Limit, Token));
        await pair.Server.WriteAsync(new byte[] { 1 }, Token);
        Assert.Equal(0, await stream.ReadAsync(new byte[10], Token));
        await stream.WriteAsync(new byte[] { 7 }, Token);
        byte[] received = new byte[1];
        Assert.Equal(1, await pair.Server.ReadAsync(received, Token));
        Assert.Equal(7, received[0]);
    }

    [Fact]
    public async Task Disposing_wakes_who_is_blocked()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        BlockingSocketStream stream = new(pair.Client, WorkQueue.Pool);
        Task<int> read = Task.Run(async () => await stream.ReadAsync(new byte[10], Token), Token);
        Task write = Task.Run(async () => await stream.WriteAsync(new byte[10_000_000], Token), Token);
        stream.Dispose();
        try
        {
            Assert.Equal(0, await read.WaitAsync(Limit, Token));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It had not begun.
        }

        await Assert.ThrowsAnyAsync<Exception>(() => write.WaitAsync(Limit, Token));
        Assert.True(write.IsFaulted);
    }

    [Fact]
    public async Task An_orderly_end_reaches_the_peer_with_all_that_was_sent_although_it_still_sends()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        BlockingSocketStream stream = new(pair.Client, WorkQueue.Pool);
        await pair.Server.WriteAsync(new byte[5000], Token);
        await stream.WriteAsync(new byte[] { 1, 2, 3 }, Token);
        await stream.DisposeAsync();
        byte[] received = new byte[10];
        await pair.Server.WriteAsync(new byte[5000], Token);
        Assert.Equal(3, await pair.Server.ReadAtLeastAsync(received, 10, throwOnEndOfStream: false, Token).AsTask().WaitAsync(Limit, Token));
    }
}
