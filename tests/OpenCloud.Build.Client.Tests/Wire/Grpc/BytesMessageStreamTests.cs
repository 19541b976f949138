using System.Buffers.Binary;
using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire.Grpc;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc;

public sealed class BytesMessageStreamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bytes_arrive_as_written_in_messages_of_at_most_1_MiB()
    {
        byte[] expected = RandomNumberGenerator.GetBytes(13_000_000);
        List<int> sizes = [];
        MemoryStream received = new();
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            while (await context.ReceiveAsync(BytesMessage.Parser) is { } message)
            {
                sizes.Add(message.Data.Length);
                message.Data.WriteTo(received);
            }

            await context.StartGrpcAsync();
            context.End();
        });
        await using EngineChannel channel = peer.Connect();
        using DedicatedCallInvoker invoker = new(channel, WorkQueue.Pool);
        await using BytesMessageStream stream = await invoker.OpenStreamAsync(Token);
        int position = 0;
        foreach (int size in (int[])[1, 126, 127, 128, 16_000, 16_383, 16_384, 16_385, 32_757, 32_758, 32_759, 32_768, 70_000, 1_048_575, 1_048_576, 1_048_577, 3_000_000])
        {
            // Once with something before it in the same message, once alone.
            foreach (int before in (int[])[0, 5])
            {
                await stream.WriteAsync(expected.AsMemory(position, before), Token);
                await stream.WriteAsync(expected.AsMemory(position + before, size), Token);
                position += before + size;
                if (before == 0)
                {
                    await stream.FlushAsync(Token);
                }
            }
        }

        await stream.CompleteWritingAsync(Token);
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Token));
        Assert.Equal(position, stream.BytesWritten);
        Assert.True(expected.AsSpan(0, position).SequenceEqual(received.ToArray()));
        Assert.True(sizes.Max() == BytesMessageStream.LargestData);
    }

    [Fact]
    public async Task Small_writes_wait_for_the_flush_and_go_as_one_message()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            while (await context.ReceiveAsync(BytesMessage.Parser) is { } message)
            {
                await context.SendAsync(new BytesMessage { Data = ByteString.CopyFromUtf8($"{message.Data.Length};") });
            }

            context.End();
        });
        await using EngineChannel channel = peer.Connect();
        using DedicatedCallInvoker invoker = new(channel, WorkQueue.Pool);
        await using BytesMessageStream stream = await invoker.OpenStreamAsync(Token);
        byte[] answer = new byte[100];
        foreach (int count in (int[])[3, 1, 200])
        {
            for (int i = 0; i < count; i++)
            {
                await stream.WriteAsync(new byte[10], Token);
            }

            await stream.FlushAsync(Token);
            int read = await stream.ReadAsync(answer, Token);
            Assert.Equal($"{count * 10};", System.Text.Encoding.ASCII.GetString(answer, 0, read));
        }
    }

    [Fact]
    public async Task Reads_across_messages_of_any_size()
    {
        byte[] expected = RandomNumberGenerator.GetBytes(5_000_000);
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            int position = 0;
            for (int size = 0; position < expected.Length; size = (size * 2) + 1)
            {
                int length = Math.Min(size, expected.Length - position);
                await context.SendAsync(new BytesMessage { Data = ByteString.CopyFrom(expected, position, length) });
                position += length;
            }

            context.End();
        });
        await using EngineChannel channel = peer.Connect();
        using DedicatedCallInvoker invoker = new(channel, WorkQueue.Pool);
        await using BytesMessageStream stream = await invoker.OpenStreamAsync(Token);
        MemoryStream received = new();
        await stream.CopyToAsync(received, 100_000, Token);
        Assert.True(expected.AsSpan().SequenceEqual(received.ToArray()));
        Assert.Equal(expected.Length, stream.BytesRead);
    }

    [Theory]
    [InlineData(StatusCode.Unavailable, "going down")]
    [InlineData(StatusCode.Internal, "boom")]
    public async Task The_status_of_the_end_is_the_readers_error(StatusCode code, string message)
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.SendAsync(new BytesMessage { Data = ByteString.CopyFromUtf8("x") });
            context.End(code, message);
        });
        await using EngineChannel channel = peer.Connect();
        using DedicatedCallInvoker invoker = new(channel, WorkQueue.Pool);
        await using BytesMessageStream stream = await invoker.OpenStreamAsync(Token);
        Assert.Equal(1, await stream.ReadAsync(new byte[10], Token));
        IOException e = await Assert.ThrowsAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1], Token));
        RpcException end = Assert.IsType<RpcException>(e.InnerException);
        Assert.Equal((code, message), (end.StatusCode, end.Status.Detail));
    }

    [Fact]
    public async Task Disposing_ends_a_waiting_read_and_the_peers_call()
    {
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => ended.TrySetResult());
            started.TrySetResult();
            await context.StartGrpcAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using EngineChannel channel = peer.Connect();
        using DedicatedCallInvoker invoker = new(channel, WorkQueue.Pool);
        BytesMessageStream stream = await invoker.OpenStreamAsync(Token);
        Task<int> waiting = stream.ReadAsync(new byte[10], Token).AsTask();
        await started.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        await stream.DisposeAsync();
        await stream.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => waiting.WaitAsync(TimeSpan.FromSeconds(10), Token));
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await stream.WriteAsync(new byte[1], Token));
    }

    [Fact]
    public async Task A_peer_that_dies_is_an_error_to_reader_and_writer()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.StartGrpcAsync();
            context.Abort();
        });
        await using EngineChannel channel = peer.Connect();
        using DedicatedCallInvoker invoker = new(channel, WorkQueue.Pool);
        await using BytesMessageStream stream = await invoker.OpenStreamAsync(Token);
        await Assert.ThrowsAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1], Token));
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (true)
            {
                await stream.WriteAsync(new byte[100_000], Token);
            }
        });
    }

    [Fact]
    public void The_reader_finds_the_data_however_the_bytes_are_cut()
    {
        Prop.ForAll(
            Gen.ArrayOf(Gen.ArrayOf(ArbMap.Default.GeneratorFor<byte>())).ToArbitrary(),
            Gen.Choose(1, 17).ToArbitrary(),
            (chunks, step) =>
            {
                MemoryStream wire = new();
                foreach (byte[] chunk in chunks)
                {
                    // Fields that the message does not have stand before and behind.
                    byte[] message = [0x18, 0xff, 0x7f, .. new BytesMessage { Data = ByteString.CopyFrom(chunk) }.ToByteArray(), 0x22, 2, 9, 9, 0x2d, 1, 2, 3, 4];
                    byte[] prefix = new byte[5];
                    BinaryPrimitives.WriteInt32BigEndian(prefix.AsSpan(1), message.Length);
                    wire.Write(prefix);
                    wire.Write(message);
                }

                (byte[] data, bool between) = ReadAll(wire.ToArray(), step);
                return between && data.AsSpan().SequenceEqual(chunks.SelectMany(static c => c).ToArray());
            }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 0x0a, 5 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 1, 0x0a })]
    [InlineData(new byte[] { 0, 0, 0, 0, 1, 0x8a, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 3, 0x0b, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 3, 0x09, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 20, 0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0 })]
    [InlineData(new byte[] { 0, 1, 0, 0, 1, 0 })]
    public void The_reader_refuses_what_is_no_message(byte[] wire)
    {
        for (int step = 1; step <= wire.Length; step++)
        {
            Assert.Throws<RpcException>(() => ReadAll(wire, step));
        }
    }

    private static (byte[] Data, bool Between) ReadAll(ReadOnlySpan<byte> wire, int step)
    {
        BytesMessageReader reader = new();
        List<byte> data = [];
        while (wire.Length > 0)
        {
            ReadOnlySpan<byte> piece = wire[..Math.Min(step, wire.Length)];
            wire = wire[piece.Length..];
            while (piece.Length > 0)
            {
                piece = piece[reader.Parse(piece)..];
                int taken = (int)Math.Min(reader.DataLeft, piece.Length);
                data.AddRange(piece[..taken]);
                reader.DataLeft -= taken;
                piece = piece[taken..];
            }
        }

        reader.Parse([]);
        return ([.. data], reader.IsBetweenMessages);
    }
}
