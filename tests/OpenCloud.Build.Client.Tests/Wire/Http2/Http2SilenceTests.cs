using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;
using static OpenCloud.Build.Client.Tests.Wire.Http2.FrameScript;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>Peers that stop without a word, by a clock of the test's.</summary>
public sealed class Http2SilenceTests
{
    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APeerThatAnswersNoPing_IsGivenUp()
    {
        (StreamPair pair, TickClock clock, Http2Server server, Task serving) = await StartAsync();
        using (pair)
        await using (server)
        {
            await pair.Client.WriteAsync(Start(), TestToken);
            await ReadFramesAsync(pair.Client, static f => f.Has(Http2FrameType.Settings, Http2FrameFlags.Ack));

            // What came before counts for the first of them; then each asks.
            clock.Tick();
            for (int i = 0; i < 3; i++)
            {
                clock.Tick();
                await ReadFramesAsync(pair.Client, static f => f.Has(Http2FrameType.Ping, Http2FrameFlags.None));
                Assert.False(serving.IsCompleted);
            }

            clock.Tick();
            Http2SilenceException silence = await Assert.ThrowsAsync<Http2SilenceException>(() => serving.WaitAsync(TimeSpan.FromSeconds(20), TestToken));
            Assert.Contains("40 seconds", silence.Message, StringComparison.Ordinal);
            Assert.Equal(0, clock.Count);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task APeerThatSendsAnything_IsKept(bool isReceipt)
    {
        (StreamPair pair, TickClock clock, Http2Server server, Task serving) = await StartAsync();
        using (pair)
        await using (server)
        {
            await pair.Client.WriteAsync(Start(), TestToken);
            await ReadFramesAsync(pair.Client, static f => f.Has(Http2FrameType.Settings, Http2FrameFlags.Ack));
            clock.Tick();
            for (int i = 0; i < 20; i++)
            {
                clock.Tick();
                await ReadFramesAsync(pair.Client, static f => f.Has(Http2FrameType.Ping, Http2FrameFlags.None));
                if (isReceipt)
                {
                    await pair.Client.WriteAsync(Ping(ack: true), TestToken);
                }

                // The receipt for this says that the server has read what came before it.
                await pair.Client.WriteAsync(Ping(7), TestToken);
                await ReadFramesAsync(pair.Client, static f => f.Has(Http2FrameType.Ping, Http2FrameFlags.Ack));
                clock.Tick();
            }

            Assert.False(serving.IsCompleted);
        }
    }

    [Fact]
    public async Task WithoutAnInterval_NothingIsAsked()
    {
        TickClock clock = new();
        using StreamPair pair = await StreamPair.CreateAsync();
        await using Http2Server server = new(pair.Server, static (_, _) => Task.CompletedTask, new Http2Options { TimeProvider = clock });
        Task serving = server.RunAsync(TestToken);
        Assert.Equal(0, clock.Count);
        Assert.False(serving.IsCompleted);
    }

    private static async Task<(StreamPair Pair, TickClock Clock, Http2Server Server, Task Serving)> StartAsync()
    {
        TickClock clock = new();
        StreamPair pair = await StreamPair.CreateAsync();
        Http2Server server = new(
            pair.Server, static (_, _) => Task.CompletedTask, new Http2Options { TimeProvider = clock, PingInterval = TimeSpan.FromSeconds(10), UnansweredPings = 3 });
        return (pair, clock, server, server.RunAsync(TestToken));
    }

    private static async Task ReadFramesAsync(Stream stream, Func<Http2FrameHeader, bool> until)
    {
        byte[] octets = new byte[9];
        while (true)
        {
            await stream.ReadExactlyAsync(octets, TestToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestToken);
            Http2FrameHeader header = Parse([0, 0, 0, .. octets.AsSpan(3)])[0].Header;
            await stream.ReadExactlyAsync(new byte[(octets[0] << 16) | (octets[1] << 8) | octets[2]], TestToken);
            if (until(header))
            {
                return;
            }
        }
    }
}

internal static class FrameHeaderExtensions
{
    public static bool Has(this Http2FrameHeader header, Http2FrameType type, Http2FrameFlags flags) => header.Type == type && header.Flags == flags;
}
