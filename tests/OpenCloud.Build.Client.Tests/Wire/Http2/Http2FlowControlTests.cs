using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;
using static OpenCloud.Build.Client.Tests.Wire.Http2.FrameScript;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>Windows of both levels in both directions.</summary>
public sealed class Http2FlowControlTests
{
    [Fact]
    public void AStreamsWindowHoldsBackItsData()
    {
        using ConnectionHarness harness = new(null, true, (4, 10));
        Http2Stream stream = harness.Open(1);
        harness.Respond(stream);
        Assert.False(harness.Connection.Write(stream, new byte[4], new byte[20]));
        Assert.Equal("data(1,10)", harness.Output());
        harness.Send(WindowUpdate(1, 3));
        Assert.Equal("data(1,3)", harness.Output());
        Assert.DoesNotContain("written(1)", harness.Events);
        harness.Send(WindowUpdate(1, 100));
        Assert.Equal("data(1,11)", harness.Output());
        Assert.Contains("written(1)", harness.Events);
        Assert.Equal(89, stream.SendWindow);
    }

    [Fact]
    public void TheConnectionsWindowHoldsBackAll()
    {
        using ConnectionHarness harness = new(null, true, (4, 1_000_000));
        Http2Stream one = harness.Open(1);
        Http2Stream three = harness.Open(3);
        harness.Respond(one);
        harness.Respond(three);
        Assert.False(harness.Connection.Write(one, default, new byte[65_535 + 10]));
        Assert.False(harness.Connection.Write(three, default, new byte[10]));
        Assert.Equal("data(1,16384) data(1,16384) data(1,16384) data(1,16383)", harness.Output());
        Assert.Equal(0, harness.Connection.SendWindow);
        harness.Send(WindowUpdate(0, 15));
        Assert.Equal("data(1,10) data(3,5)", harness.Output());
        harness.Send(WindowUpdate(0, 5));
        Assert.Equal("data(3,5)", harness.Output());
    }

    [Fact]
    public void AStreamWithoutWindowDoesNotHoldBackOthers()
    {
        using ConnectionHarness harness = new(null, true, (4, 10));
        Http2Stream one = harness.Open(1);
        Http2Stream three = harness.Open(3);
        harness.Respond(one);
        harness.Respond(three);
        Assert.False(harness.Connection.Write(one, default, new byte[11]));
        Assert.True(harness.Connection.Write(three, default, new byte[9]));
        Assert.Equal("data(1,10) data(3,9)", harness.Output());
    }

    [Fact]
    public void ChangedInitialWindowsApplyToOpenStreamsAndMayMakeThemNegative()
    {
        using ConnectionHarness harness = new(null, true, (4, 100));
        Http2Stream stream = harness.Open(1);
        harness.Respond(stream);
        Assert.True(harness.Connection.Write(stream, default, new byte[60]));
        harness.Send(Settings((4, 20)));
        Assert.Equal(-40, stream.SendWindow);
        Assert.Equal("data(1,60) settings-ack", harness.Output());
        Assert.False(harness.Connection.Write(stream, default, new byte[5]));
        harness.Send(WindowUpdate(1, 40));
        Assert.Equal("", harness.Output());
        harness.Send(WindowUpdate(1, 2));
        Assert.Equal("data(1,2)", harness.Output());
        harness.Send(Settings((4, 23)));
        Assert.Equal("settings-ack data(1,3)", harness.Output());
        Assert.Contains("written(1)", harness.Events);
    }

    [Fact]
    public void LargerFramesAreUsedWhereThePeerTakesThem()
    {
        using ConnectionHarness harness = new(null, true, (4, 1_000_000), (5, 0xffffff));
        Http2Stream stream = harness.Open(1);
        harness.Respond(stream);
        harness.Connection.Write(stream, default, new byte[65_535]);
        Assert.Equal("data(1,65535)", harness.Output());
    }

    [Fact]
    public void OutputIsGatheredUpToItsLimitAndStreamsTakeTurns()
    {
        using ConnectionHarness harness = new(new Http2Options { MaxGatheredOutput = 32 * 1024 }, true, (4, 1_000_000));
        harness.Send(WindowUpdate(0, 10_000_000));
        Http2Stream one = harness.Open(1);
        Http2Stream three = harness.Open(3);
        harness.Respond(one);
        harness.Respond(three);
        Assert.False(harness.Connection.Write(one, default, new byte[200_000]));
        Assert.False(harness.Connection.Write(three, default, new byte[10]));
        using PooledBuffer first = harness.Connection.TakeOutput(Http2Output.CreateGather());
        Assert.InRange(first.Length, 32 * 1024, (32 * 1024) + 16384 + 9);
        using PooledBuffer second = harness.Connection.TakeOutput(Http2Output.CreateGather());
        using PooledBuffer third = harness.Connection.TakeOutput(Http2Output.CreateGather());
        Assert.Contains(3, Parse([.. second.Span, .. third.Span]).Select(frame => frame.Header.StreamId));
    }

    [Fact]
    public void ReadingOpensBothReceiveWindowsAgain()
    {
        Http2Options options = new() { StreamReceiveWindow = 1000, ConnectionReceiveWindow = 100_000 };
        using ConnectionHarness harness = new(options) { ConsumesAtOnce = true };
        harness.Open(1);
        for (int i = 0; i < 200; i++)
        {
            harness.Send(Data(1, 500));
        }

        string output = harness.Output();
        Assert.Equal(200, output.Split("window(1,500)").Length - 1);
        Assert.Equal(2, output.Split("window(0,50000)").Length - 1);
    }

    [Fact]
    public void PaddingCountsAndIsGivenBackAtOnce()
    {
        using ConnectionHarness harness = new(new Http2Options { StreamReceiveWindow = 100, ConnectionReceiveWindow = 100_000 });
        Http2Stream stream = harness.Open(1);
        harness.Send(Frame(0, 8, 1, [59, .. new byte[60]]));
        Assert.Equal("window(1,60)", harness.Output());
        Assert.Equal(99, stream.ReceiveWindow);
        Assert.Equal(1, stream.Unconsumed);
    }

    [Fact]
    public void MoreThanTheStreamsWindowResetsTheStream()
    {
        using ConnectionHarness harness = new(new Http2Options { StreamReceiveWindow = 1000, ConnectionReceiveWindow = 100_000 });
        harness.Open(1);
        harness.Send(Data(1, 1000), Data(1, 1));
        Assert.Equal("reset(1,FlowControlError)", harness.Output());
    }

    [Fact]
    public void MoreThanTheConnectionsWindowBreaksTheConnection()
    {
        using ConnectionHarness harness = new(new Http2Options { StreamReceiveWindow = 60_000, ConnectionReceiveWindow = 70_000 });
        harness.Open(1);
        harness.Open(3);
        for (int i = 0; i < 6; i++)
        {
            harness.Send(Data(1, 10_000));
        }

        harness.Send(Data(3, 10_000));
        Assert.Equal(Http2ErrorCode.FlowControlError, harness.SendBroken(Data(3, 1)));
    }

    [Fact]
    public void WhatIsUnreadWhenAStreamEndsIsGivenBackToTheConnection()
    {
        using ConnectionHarness harness = new(new Http2Options { StreamReceiveWindow = 60_000, ConnectionReceiveWindow = 70_000 });
        Http2Stream stream = harness.Open(1);
        harness.Send(Data(1, 16_000), Data(1, 16_000), Data(1, 8_000), Reset(1));
        Assert.Equal("window(0,40000)", harness.Output());
        harness.Connection.Consume(stream, 40_000);
        Assert.Equal("", harness.Output());
    }
}
