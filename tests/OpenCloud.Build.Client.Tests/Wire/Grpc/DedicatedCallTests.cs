using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Tests.Engines;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc;
using Xunit;
using static OpenCloud.Build.Client.Tests.Wire.Grpc.EchoClient;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc;

/// <summary>Calls of messages on connections of their own, on the pool's threads and on a session's.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class DedicatedCallTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, true)]
    [InlineData(10, true)]
    [InlineData(61_430, true)]
    [InlineData(61_440, true)]
    [InlineData(100_000, true)]
    [InlineData(100_000, false)]
    [InlineData(MessageLimits.Largest - 5, true)]
    public async Task A_message_goes_there_and_back(int size, bool ownThreads)
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.SendAsync((await context.ReceiveAsync(BytesMessage.Parser))!);
            Assert.Null(await context.ReceiveAsync(BytesMessage.Parser));
            context.End();
        });
        Assert.Equal(Message(size), await CallAsync(peer, Message(size), ownThreads));
    }

    [Fact]
    public async Task What_is_too_large_is_refused_before_a_connection_is_made()
    {
        EngineChannel channel = new(EngineConnectors.Create(EngineAddress.ForUnixSocket("/nowhere.sock"), new EngineConnectOptions()));
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => new DedicatedCallInvoker(channel, WorkQueue.Pool).EchoAsync(Message(MessageLimits.Largest), Token));
        Assert.Equal(StatusCode.ResourceExhausted, e.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_status_before_and_after_a_message_is_the_calls_end(bool afterMessage)
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.ReceiveAsync(BytesMessage.Parser);
            if (afterMessage)
            {
                await context.SendAsync(Message(3));
            }

            context.End(StatusCode.NotFound, "there is none");
        });
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => CallAsync(peer, Message(1)));
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
        Assert.Equal("there is none", e.Status.Detail);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task An_answer_of_none_or_several_messages_is_an_error(int count)
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.StartGrpcAsync();
            for (int i = 0; i < count; i++)
            {
                await context.SendAsync(Message(1));
            }

            context.End();
        });
        Assert.Equal(StatusCode.Internal, (await Assert.ThrowsAsync<RpcException>(() => CallAsync(peer, Message(1)))).StatusCode);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_in_a_message_is_an_error()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.StartGrpcAsync();
            await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 9, 1 });
            context.End();
        });
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => CallAsync(peer, Message(1)));
        Assert.Contains("middle of a message", e.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Messages_stream_from_the_server(bool ownThreads)
    {
        int[] sizes = [.. Enumerable.Range(0, 200).Select(static i => i % 7 == 0 ? i * 1000 : i)];
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            foreach (int size in sizes)
            {
                await context.SendAsync(Message(size));
            }

            context.End();
        });
        using SessionThreads threads = new();
        await using EngineChannel channel = peer.Connect();
        List<int> seen = [];
        await threads.Run(async () =>
        {
            await foreach (BytesMessage message in new DedicatedCallInvoker(channel, ownThreads ? threads : WorkQueue.Pool).ListAsync(Message(0), Token))
            {
                seen.Add(message.Data.Length);
            }
        }).WaitAsync(Limit, Token);
        Assert.Equal(sizes, seen);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cancelling_a_call_that_waits_resets_it(bool ownThreads)
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => aborted.TrySetResult());
            await context.ReceiveAsync(BytesMessage.Parser);
            arrived.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using CancellationTokenSource stop = new();
        Task<BytesMessage> call = CallAsync(peer, Message(1), ownThreads, stop.Token);
        await arrived.Task.WaitAsync(Limit, Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(Limit, Token));
        await aborted.Task.WaitAsync(Limit, Token);
    }

    [Fact]
    public async Task Disposing_of_the_channel_ends_a_call_that_waits_and_refuses_further_ones()
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.ReceiveAsync(BytesMessage.Parser);
            arrived.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using SessionThreads threads = new();
        EngineChannel channel = peer.Connect();
        Task<BytesMessage> call = new DedicatedCallInvoker(channel, threads).EchoAsync(Message(1), Token);
        await arrived.Task.WaitAsync(Limit, Token);
        await channel.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(Limit, Token));
        Assert.True(call.IsFaulted);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => new DedicatedCallInvoker(channel, threads).EchoAsync(Message(1), Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => channel.Pooled.EchoAsync(Message(1), Token));
    }

    [Fact]
    public async Task Calls_leave_no_descriptor_behind()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            BytesMessage request = (await context.ReceiveAsync(BytesMessage.Parser))!;
            if (request.Data.Length == 1)
            {
                await context.SendAsync(request);
            }

            context.End(request.Data.Length == 1 ? StatusCode.OK : StatusCode.NotFound);
        });
        int before = OpenDescriptors.Count();
        for (int i = 0; i < 100; i++)
        {
            await CallAsync(peer, Message(1));
            await Assert.ThrowsAsync<RpcException>(() => CallAsync(peer, Message(2)));
        }

        // Other tests have some of their own, and the last calls' ends may be on their way.
        Assert.InRange(OpenDescriptors.Count(), 0, before + 150);
    }

    [Fact]
    public async Task A_peer_that_speaks_something_else_is_named()
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await stream.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), token);
            await stream.ReadAtLeastAsync(new byte[100_000], 100_000, false, token);
        });
        await using EngineChannel channel = new(EngineConnectors.Create(EngineAddress.ForUnixSocket(server.Path), new EngineConnectOptions()));
        using SessionThreads threads = new();
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(
            () => new DedicatedCallInvoker(channel, threads).EchoAsync(Message(1), Token).WaitAsync(Limit, Token));
        Assert.Equal(EngineConnectReason.NotAnEngine, e.Reason);
    }

    private static async Task<BytesMessage> CallAsync(GrpcPeer peer, BytesMessage request, bool ownThreads = true, CancellationToken? token = null)
    {
        using SessionThreads threads = new();
        await using EngineChannel channel = peer.Connect();
        return await new DedicatedCallInvoker(channel, ownThreads ? threads : WorkQueue.Pool).EchoAsync(request, token ?? Token).WaitAsync(Limit, Token);
    }
}
