using System.Security.Cryptography;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>The client's driver against our server, over a unix socket.</summary>
public sealed class Http2ClientStreamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task All_that_is_written_comes_back_whether_somebody_reads_meanwhile_or_not(bool readsMeanwhile)
    {
        // Without a reader the echo must fit the windows of the way back.
        byte[] sent = RandomNumberGenerator.GetBytes(readsMeanwhile ? 20_000_000 : 700_000);
        using StreamPair pair = await StreamPair.CreateAsync();
        await using Http2Server server = new(pair.Server, EchoAsync, new Http2Options { StreamReceiveWindow = 65_535 });
        _ = server.RunAsync(Token);
        await using Http2ClientStream stream = Open(pair);
        byte[] received = new byte[sent.Length];
        Task reading = readsMeanwhile ? ReadAllAsync(stream, received) : Task.CompletedTask;
        for (int position = 0, size = 1; position < sent.Length; position += size)
        {
            size = Math.Min((size * 3) % 300_007, sent.Length - position);
            await stream.WriteAsync(sent.AsMemory(position, size / 3), sent.AsMemory(position + (size / 3), size - (size / 3)), Token);
        }

        stream.CompleteWriting();
        await (readsMeanwhile ? reading : ReadAllAsync(stream, received)).WaitAsync(TimeSpan.FromSeconds(60), Token);
        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Token));
        Assert.Equal("200", stream.ResponseHeaders![":status"]);
    }

    [Fact]
    public async Task A_cancelled_read_loses_nothing()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        await using Http2Server server = new(pair.Server, EchoAsync);
        _ = server.RunAsync(Token);
        await using Http2ClientStream stream = Open(pair);
        for (byte i = 0; i < 20; i++)
        {
            using CancellationTokenSource cancellationToken = new();
            Task<int> read = stream.ReadAsync(new byte[10], cancellationToken.Token).AsTask();
            await cancellationToken.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
            await stream.WriteAsync(default, new[] { i }, Token);
            byte[] answer = new byte[10];
            Assert.Equal(1, await stream.ReadAsync(answer, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token));
            Assert.Equal(i, answer[0]);
        }
    }

    [Fact]
    public async Task A_cancelled_write_resets_the_stream_and_ends_a_waiting_read()
    {
        TaskCompletionSource aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using StreamPair pair = await StreamPair.CreateAsync();
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Http2Server server = new(pair.Server, async (_, token) =>
        {
            started.TrySetResult();
            token.UnsafeRegister(state => aborted.TrySetResult(), null);
            await aborted.Task;
        });
        _ = server.RunAsync(Token);
        await using Http2ClientStream stream = Open(pair);
        Task<int> read = stream.ReadAsync(new byte[10], Token).AsTask();
        using CancellationTokenSource cancellationToken = new();
        Task write = stream.WriteAsync(default, new byte[10_000_000], cancellationToken.Token).AsTask();
        await started.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);
        await cancellationToken.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        await Assert.ThrowsAnyAsync<Exception>(() => read.WaitAsync(TimeSpan.FromSeconds(20), Token));
        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    [Fact]
    public async Task A_closed_connection_ends_reading_and_writing()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        await using Http2ClientStream stream = Open(pair);
        Task<int> read = stream.ReadAsync(new byte[10], Token).AsTask();
        Task write = stream.WriteAsync(default, new byte[10_000_000], Token).AsTask();
        pair.Server.Dispose();
        await Assert.ThrowsAnyAsync<IOException>(() => read.WaitAsync(TimeSpan.FromSeconds(20), Token));
        await Assert.ThrowsAnyAsync<IOException>(() => write.WaitAsync(TimeSpan.FromSeconds(20), Token));
    }

    private static Http2ClientStream Open(StreamPair pair) =>
        new(pair.Client, new HeaderList { { ":method", "POST" }, { ":scheme", "http" }, { ":path", "/" } }, new Http2Options());

    private static async Task EchoAsync(Http2ServerStream stream, CancellationToken cancellationToken)
    {
        await stream.WriteHeadersAsync(new HeaderList { { ":status", "200" } });
        byte[] buffer = new byte[100_000];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and int count)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
    }

    private static async Task ReadAllAsync(Http2ClientStream stream, byte[] destination)
    {
        for (int position = 0; position < destination.Length;)
        {
            int count = await stream.ReadAsync(destination.AsMemory(position), Token);
            Assert.NotEqual(0, count);
            position += count;
        }
    }
}
