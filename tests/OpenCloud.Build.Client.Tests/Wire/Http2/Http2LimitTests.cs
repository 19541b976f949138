using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;
using static OpenCloud.Build.Client.Tests.Wire.Http2.FrameScript;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>Each limit, with a peer that sends too much.</summary>
public sealed class Http2LimitTests
{
    private readonly SteppedClock _clock = new();

    private Http2Options Options => new()
    {
        TimeProvider = _clock,
        Resets = new(20, 5),
        Settings = new(20, 5),
        IdlePings = new(20, 5),
        EmptyFrames = new(20, 5),
        IgnoredFrames = new(20, 5),
    };

    [Fact]
    public void TooManyStreamsAreRefusedUntilHandlersEnd()
    {
        using ConnectionHarness harness = new(Options with { MaxConcurrentStreams = 2 });
        Http2Stream one = harness.Open(1, endStream: true);
        harness.Send(Headers(3, endStream: true), Headers(5, endStream: true));
        Assert.Equal("reset(5,RefusedStream)", harness.Output());

        // A reset stream keeps its place as long as its handler runs.
        harness.Send(Reset(1), Headers(7, endStream: true));
        Assert.Equal("reset(7,RefusedStream)", harness.Output());
        harness.Connection.Release(one);
        harness.Send(Headers(9, endStream: true));
        Assert.Equal("", harness.Output());
        Assert.Contains("request(9,/)", harness.Events);
    }

    [Fact]
    public void HeaderListsTogetherStayWithinTheirBudget()
    {
        int size = new HeaderList { { ":method", "POST" }, { ":scheme", "http" }, { ":path", "/" } }.Size;
        using ConnectionHarness harness = new(Options with { MaxHeldHeaders = 2 * size });
        Http2Stream one = harness.Open(1, endStream: true);
        harness.Open(3, endStream: true);
        harness.Send(Headers(5, endStream: true));
        Assert.Equal("reset(5,RefusedStream)", harness.Output());

        // A list larger than the budget is taken when it is the only one.
        harness.Connection.Release(one);
        harness.Output();
        harness.Send(Headers(7, endStream: true));
        Assert.Equal("", harness.Output());
        using ConnectionHarness lone = new(Options with { MaxHeldHeaders = 1 });
        lone.Open(1, endStream: true);
        Assert.Contains("request(1,/)", lone.Events);
    }

    [Fact]
    public void RapidResetsBreakTheConnection()
    {
        using ConnectionHarness harness = new(Options);
        Flood(harness, i =>
        {
            harness.Send(Headers((2 * i) + 1), Reset((2 * i) + 1));
            harness.Connection.Release(harness.Streams[(2 * i) + 1]);
        });
    }

    [Fact]
    public void StreamsThatThePeerMakesUsResetCountLikeItsOwnResets()
    {
        using ConnectionHarness harness = new(Options);
        Flood(harness, i => harness.Send(Headers((2 * i) + 1), WindowUpdate((2 * i) + 1, 0)));
    }

    [Fact]
    public void MalformedRequestsCountLikeResets()
    {
        using ConnectionHarness harness = new(Options);
        Flood(harness, i => harness.Send(Headers((2 * i) + 1, block: [0x83])));
    }

    [Fact]
    public void SettingsFloodsBreakTheConnection()
    {
        using ConnectionHarness harness = new(Options);
        Flood(harness, _ => harness.Send(Settings()));
    }

    [Fact]
    public void PingFloodsBreakTheConnection()
    {
        using ConnectionHarness harness = new(Options);
        Flood(harness, _ => harness.Send(Ping()));
    }

    [Fact]
    public void PingsThatFollowDataAreNoFlood()
    {
        using ConnectionHarness harness = new(Options, true, (4, 1_000_000));
        Http2Stream stream = harness.Open(1);
        harness.Respond(stream);
        for (int i = 0; i < 1000; i++)
        {
            harness.Connection.Write(stream, default, new byte[1]);
            harness.Send(Ping());
            harness.Output();
        }
    }

    [Fact]
    public void EmptyDataFloodsBreakTheConnection()
    {
        using ConnectionHarness harness = new(Options);
        harness.Open(1);
        Flood(harness, i => harness.Send(i % 2 == 0 ? Data(1, 0) : Frame(0, 8, 1, 0)));
    }

    [Fact]
    public void EmptyContinuationFloodsBreakTheConnection()
    {
        using ConnectionHarness harness = new(Options);
        harness.Send(Frame(1, 0, 1, 0x83));
        Flood(harness, _ => harness.Send(Frame(9, 0, 1)));
    }

    [Fact]
    public void IgnoredFrameFloodsBreakTheConnection()
    {
        using ConnectionHarness harness = new(Options);
        Flood(harness, i => harness.Send(i % 2 == 0 ? Frame(2, 0, 1, new byte[5]) : Frame(0xee, 0, 1)));
    }

    [Fact]
    public void EndlessHeaderBlocksBreakTheConnection()
    {
        using ConnectionHarness harness = new(Options with { MaxHeaderListSize = 1000 });
        harness.Send(Frame(1, 0, 1, new byte[600]));
        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, harness.SendBroken(Frame(9, 0, 1, new byte[401])));
    }

    [Fact]
    public void AHeaderListThatIsTooLargeIsResetAndTheNextOneIsRead()
    {
        using ConnectionHarness harness = new(Options with { MaxHeaderListSize = 5000 });
        byte[] bomb = [0x83, 0x86, 0x84, 0x40, 1, (byte)'a', 100, .. new byte[100].Select(_ => (byte)'b'), .. Enumerable.Repeat((byte)0xbe, 1000)];
        harness.Send(Headers(1, endStream: true, bomb), Headers(3, endStream: true, [0x83, 0x86, 0x84, 0xbe]));
        Assert.Equal("reset(1,EnhanceYourCalm)", harness.Output());
        Assert.Equal("request(3,/) end(3)", harness.TakeEvents());
    }

    [Fact]
    public void APeerThatCausesFramesButReadsNoneBreaksTheConnection()
    {
        Http2Options options = Options with { IdlePings = new(int.MaxValue, 1), MaxPendingControlFrames = 100 };
        using ConnectionHarness harness = new(options);
        for (int i = 0; i < 1000; i++)
        {
            harness.Send(Ping());
            harness.Output();
        }

        byte[] pings = [.. Enumerable.Repeat(Ping(), 100).SelectMany(ping => ping)];
        harness.Send(pings);
        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, harness.SendBroken(Ping()));
    }

    /// <summary>20 times are fine, then 5 more each second, then it is too much.</summary>
    private void Flood(ConnectionHarness harness, Action<int> once)
    {
        int time = 0;
        for (; time < 15; time++)
        {
            once(time);
            harness.Output();
        }

        for (int second = 0; second < 20; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            for (int i = 0; i < 5; i++)
            {
                once(time++);
                harness.Output();
            }
        }

        Http2Exception error = Assert.Throws<Http2Exception>(() =>
        {
            for (int i = 0; i < 25; i++)
            {
                once(time++);
                harness.Output();
            }
        });
        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, error.ErrorCode);
    }
}
