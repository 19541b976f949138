using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Tests.Engines;
using OpenCloud.Build.Client.Wire.Grpc;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc;

/// <summary>A call on a connection of its own, on the pool's threads and on a session's.</summary>
public sealed class DedicatedStreamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fields_of_one_name_stay_apart_and_blocks_larger_than_a_frame_arrive()
    {
        string[] seen = [];
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            seen = [.. context.Request.Headers["x-many"].Select(static value => value ?? "")];
            await context.StartGrpcAsync();
            context.End();
        });
        await using EngineChannel channel = peer.Connect();
        Metadata metadata = new();
        List<string> sent = ["/a.B/C", "/d.E/F, g", new string('m', 300), .. Enumerable.Range(0, 60).Select(static i => $"{i}" + new string('x', 400))];
        sent.ForEach(value => metadata.Add("x-many", value));
        using DedicatedCallInvoker invoker = new(channel, WorkQueue.Pool);
        await using BytesMessageStream stream = await invoker.OpenStreamAsync(Token, metadata);
        await stream.CompleteWritingAsync(Token);
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Token));
        Assert.Equal(sent, seen);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_written_comes_back(bool ownThreads)
    {
        byte[] sent = RandomNumberGenerator.GetBytes(20_000_000);
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            while (await context.ReceiveAsync(BytesMessage.Parser) is { } message)
            {
                await context.SendAsync(message);
            }

            context.End();
        });
        using SessionThreads threads = new();
        await using EngineChannel channel = peer.Connect();
        DedicatedCallInvoker invoker = new(channel, ownThreads ? threads : WorkQueue.Pool);
        await using BytesMessageStream stream = await invoker.OpenStreamAsync(Token);
        Task writing = threads.Run(async () =>
        {
            for (int position = 0; position < sent.Length; position += 700_000)
            {
                await stream.WriteAsync(sent.AsMemory(position, Math.Min(700_000, sent.Length - position)), Token);
            }

            await stream.CompleteWritingAsync(Token);
        });
        MemoryStream received = new();
        Task reading = threads.Run(() => stream.CopyToAsync(received, 300_000, Token));
        await Task.WhenAll(writing, reading).WaitAsync(TimeSpan.FromSeconds(60), Token);
        Assert.True(sent.AsSpan().SequenceEqual(received.ToArray()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_that_speaks_something_else_is_no_engine(bool ownThreads)
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), token);
            await stream.ReadAtLeastAsync(new byte[100_000], 100_000, false, token);
        });
        using SessionThreads threads = new();
        await using EngineChannel channel = new(EngineConnectors.Create(EngineAddress.Parse($"unix://{server.Path}"), new EngineConnectOptions()));
        DedicatedCallInvoker invoker = new(channel, ownThreads ? threads : WorkQueue.Pool);
        await using BytesMessageStream stream = await invoker.OpenStreamAsync(Token);
        Task<int> read = Task.Run(async () => await stream.ReadAsync(new byte[10], Token));
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => read.WaitAsync(TimeSpan.FromSeconds(20), Token));
        Assert.Equal(EngineConnectReason.NotAnEngine, e.Reason);
        Assert.Contains($"use docker://{server.Path}", e.Message, StringComparison.Ordinal);
    }
}
