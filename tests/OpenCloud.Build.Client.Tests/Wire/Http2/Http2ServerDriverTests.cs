using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;
using static OpenCloud.Build.Client.Tests.Wire.Http2.FrameScript;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>The server's loops, with a peer that speaks frames by hand.</summary>
public sealed class Http2ServerDriverTests
{
    private static readonly HeaderList Ok = new() { { ":status", "200" } };

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AProtocolErrorIsToldToBothSides()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        TaskCompletionSource aborted = new();
        await using Http2Server server = new(pair.Server, async (_, cancellationToken) =>
        {
            using CancellationTokenRegistration registration = cancellationToken.Register(aborted.SetResult);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });
        Task serving = server.RunAsync(TestToken);
        await pair.Client.WriteAsync((byte[])[.. Start(), .. Headers(1), .. Data(3, 1)], TestToken);
        Http2Exception error = await Assert.ThrowsAsync<Http2Exception>(() => serving);
        Assert.Equal(Http2ErrorCode.ProtocolError, error.ErrorCode);
        await aborted.Task.WaitAsync(TestToken);
        pair.Server.Dispose();
        List<(Http2FrameHeader Header, byte[] Payload)> frames = Parse(await ReadToEndAsync(pair.Client));
        (Http2FrameHeader header, byte[] payload) = frames[^1];
        Assert.Equal(Http2FrameType.GoAway, header.Type);
        Assert.Equal([0, 0, 0, 1, 0, 0, 0, 1], payload);
    }

    [Fact]
    public async Task APeerThatGoesAwayMidFrameEndsServing()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        await using Http2Server server = new(pair.Server, (_, _) => Task.CompletedTask);
        Task serving = server.RunAsync(TestToken);
        await pair.Client.WriteAsync((byte[])[.. Start(), 0, 0, 8], TestToken);
        pair.Client.Dispose();
        await Task.WhenAny(serving).WaitAsync(TestToken);
        Assert.True(serving.IsCompletedSuccessfully || serving.Exception!.InnerException is IOException);
    }

    [Fact]
    public async Task AnIdleServerSendsASmallWriteAtOnce()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        TaskCompletionSource release = new();
        await using Http2Server server = new(pair.Server, async (stream, cancellationToken) =>
        {
            await stream.WriteHeadersAsync(Ok);
            await stream.WriteAsync(new byte[1], cancellationToken);
            await release.Task;
        });
        Task serving = server.RunAsync(TestToken);
        await pair.Client.WriteAsync((byte[])[.. Start(), .. Headers(1)], TestToken);
        await ReadUntilAsync(pair.Client, frame => frame.Header.Type == Http2FrameType.Data);
        release.SetResult();
        await ReadUntilAsync(pair.Client, frame => frame.Header.Has(Http2FrameFlags.EndStream) && frame.Header.StreamId == 1);
        pair.Client.Dispose();
        await Task.WhenAny(serving);
    }

    [Fact]
    public async Task WhatMayWaitIsSentWhenTheHandlerReads()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        await using Http2Server server = new(pair.Server, async (stream, cancellationToken) =>
        {
            await stream.WriteHeadersAsync(Ok, moreFollows: true);
            await stream.WriteAsync(default, new byte[1], moreFollows: true, cancellationToken);
            await stream.ReadAsync(new byte[1], cancellationToken);
        });
        Task serving = server.RunAsync(TestToken);
        await pair.Client.WriteAsync((byte[])[.. Start(), .. Headers(1)], TestToken);
        await ReadUntilAsync(pair.Client, frame => frame.Header.Type == Http2FrameType.Data);
        pair.Client.Dispose();
        await Task.WhenAny(serving);
    }

    [Fact]
    public async Task PingIsAnsweredWhileATransportIsFullOfData()
    {
        // The peer reads nothing until the output is held up; the receipt then comes before the rest of the data.
        const int Total = 20_000_000;
        using StreamPair pair = await StreamPair.CreateAsync();
        TaskCompletionSource reached = new();
        await using Http2Server server = new(pair.Server, async (stream, cancellationToken) =>
        {
            await stream.WriteHeadersAsync(Ok);
            for (int sent = 0; sent < Total; sent += 10_000)
            {
                ValueTask write = stream.WriteAsync(new byte[10_000], cancellationToken);
                if (!write.IsCompleted && sent > 200_000)
                {
                    reached.TrySetResult();
                }

                await write;
            }
        });
        Task serving = server.RunAsync(TestToken);
        await pair.Client.WriteAsync((byte[])[.. Start((4, 0x7fffffff)), .. WindowUpdate(0, 0x7fff0000 - 65535), .. Headers(1, endStream: true)], TestToken);
        await reached.Task.WaitAsync(TestToken);
        await pair.Client.WriteAsync(Ping(9), TestToken);
        int before = 0;
        await ReadUntilAsync(pair.Client, frame =>
        {
            before += frame.Header.Type == Http2FrameType.Data ? frame.Payload.Length : 0;
            return frame.Header.Type == Http2FrameType.Ping && frame.Payload[0] == 9;
        });

        // What the socket held, one gather in flight, and perhaps one more until the PING was read; nothing when the send loop had not run.
        Assert.InRange(before, 0, 2_000_000);
        pair.Client.Dispose();
        await Task.WhenAny(serving);
    }

    [Fact]
    public async Task AWriteThatIsCancelledResetsItsStream()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        TaskCompletionSource<Exception> outcome = new();
        await using Http2Server server = new(pair.Server, async (stream, _) =>
        {
            using CancellationTokenSource cancel = new();
            await stream.WriteHeadersAsync(Ok);
            ValueTask write = stream.WriteAsync(new byte[100_000], cancel.Token);
            await cancel.CancelAsync();
            try
            {
                await write;
            }
            catch (Exception error)
            {
                outcome.SetResult(error);
            }
        });
        Task serving = server.RunAsync(TestToken);
        await pair.Client.WriteAsync((byte[])[.. Start(), .. Headers(1, endStream: true)], TestToken);
        Assert.IsType<OperationCanceledException>(await outcome.Task.WaitAsync(TestToken));
        await ReadUntilAsync(pair.Client, frame => frame.Header.Type == Http2FrameType.RstStream && frame.Payload[3] == (byte)Http2ErrorCode.Cancel);
        pair.Client.Dispose();
        await Task.WhenAny(serving);
    }

    [Fact]
    public async Task AReadThatIsCancelledLosesNothing()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        TaskCompletionSource cancelled = new();
        TaskCompletionSource<byte> read = new();
        await using Http2Server server = new(pair.Server, async (stream, cancellationToken) =>
        {
            byte[] buffer = new byte[1];
            using (CancellationTokenSource cancel = new())
            {
                ValueTask<int> reading = stream.ReadAsync(buffer, cancel.Token);
                await cancel.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
            }

            cancelled.SetResult();
            Assert.Equal(1, await stream.ReadAsync(buffer, cancellationToken));
            read.SetResult(buffer[0]);
        });
        Task serving = server.RunAsync(TestToken);
        await pair.Client.WriteAsync((byte[])[.. Start(), .. Headers(1)], TestToken);
        await cancelled.Task.WaitAsync(TestToken);
        await pair.Client.WriteAsync(Frame(0, 0, 1, 42), TestToken);
        Assert.Equal(42, await read.Task.WaitAsync(TestToken));
        pair.Client.Dispose();
        await Task.WhenAny(serving);
    }

    [Fact]
    public async Task ShutdownWaitsForRequestsAndThenEnds()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        TaskCompletionSource started = new();
        TaskCompletionSource release = new();
        await using Http2Server server = new(pair.Server, async (stream, _) =>
        {
            started.SetResult();
            await release.Task;
            await stream.WriteHeadersAsync(Ok, endStream: true);
        });
        Task serving = server.RunAsync(TestToken);
        await pair.Client.WriteAsync((byte[])[.. Start(), .. Headers(1, endStream: true)], TestToken);
        await started.Task.WaitAsync(TestToken);
        server.BeginShutdown();
        await ReadUntilAsync(pair.Client, frame => frame.Header.Type == Http2FrameType.GoAway);
        Assert.False(serving.IsCompleted);
        release.SetResult();
        await ReadUntilAsync(pair.Client, frame => frame.Header.Type == Http2FrameType.Headers);
        await serving.WaitAsync(TestToken);
    }

    [Fact]
    public async Task AServerMayBeDisposedBeforeItRuns()
    {
        using StreamPair pair = await StreamPair.CreateAsync();
        Http2Server server = new(pair.Server, (_, _) => Task.CompletedTask);
        await server.DisposeAsync();
    }

    private static async Task<byte[]> ReadToEndAsync(Stream stream)
    {
        using MemoryStream all = new();
        try
        {
            await stream.CopyToAsync(all, TestToken);
        }
        catch (IOException)
        {
            // The server's end was closed with octets unread, which a unix socket reports after what was sent.
        }

        return all.ToArray();
    }

    private static async Task ReadUntilAsync(Stream stream, Func<(Http2FrameHeader Header, byte[] Payload), bool> found)
    {
        byte[] header = new byte[9];
        while (true)
        {
            await stream.ReadExactlyAsync(header, TestToken);
            byte[] frame = new byte[9 + ((header[0] << 16) | (header[1] << 8) | header[2])];
            header.CopyTo(frame, 0);
            await stream.ReadExactlyAsync(frame.AsMemory(9), TestToken);
            if (found(Parse(frame)[0]))
            {
                return;
            }
        }
    }
}
