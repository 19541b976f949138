using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;
using static OpenCloud.Build.Client.Tests.Wire.Http2.FrameScript;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>The connection state, octet by octet.</summary>
public sealed class Http2ConnectionTests
{
    [Fact]
    public void TheServerBeginsWithItsSettings()
    {
        using ConnectionHarness harness = new(started: false);
        Assert.Equal("settings(0) window(0,16711681)", harness.Output());
    }

    [Fact]
    public void ARequestWithPaddingPriorityContinuationAndTrailers()
    {
        using ConnectionHarness harness = new();
        harness.Send(
            Frame(1, 0x28, 1, [2, 0, 0, 0, 0, 9, 0x83, 0xff, 0xff]),
            Frame(9, 0, 1, 0x86),
            Frame(9, 4, 1, 0x84),
            Frame(0, 8, 1, [3, (byte)'h', (byte)'i', 0, 0, 0]),
            Frame(1, 5, 1, Literal("x-sum", "1")));
        Assert.Equal("request(1,/) data(1,hi#2) end(1,1)", harness.TakeEvents());
        Assert.Equal("", harness.Output());
    }

    [Fact]
    public void PriorityUnknownFramesAndUnknownSettingsAreIgnored()
    {
        using ConnectionHarness harness = new();
        harness.Send(Frame(2, 0, 7, 0, 0, 0, 3, 1), Frame(0xee, 0xff, 3, 1, 2, 3), Settings((0x77, 5)), Frame(4, 1, 0));
        Assert.Equal("", harness.TakeEvents());
        Assert.Equal("settings-ack", harness.Output());
    }

    [Fact]
    public void PingOvertakesQueuedData()
    {
        using ConnectionHarness harness = new(null, true, (4, 1_000_000));
        Http2Stream stream = harness.Open(1);
        harness.Respond(stream);
        harness.Connection.Write(stream, default, new byte[40_000]);
        harness.Send(Ping(7));
        Assert.Equal("ping-ack(7) data(1,16384) data(1,16384) data(1,7232)", harness.Output());
    }

    [Fact]
    public void SmallWritesShareAFrameUntilAnotherComesBetween()
    {
        using ConnectionHarness harness = new();
        Http2Stream one = harness.Open(1);
        Http2Stream three = harness.Open(3);
        harness.Respond(one);
        harness.Respond(three);
        Assert.True(harness.Connection.Write(one, "ab"u8.ToArray(), "cd"u8.ToArray()));
        Assert.True(harness.Connection.Write(one, default, "efg"u8.ToArray()));
        Assert.True(harness.Connection.Write(three, "x"u8.ToArray(), default));
        Assert.True(harness.Connection.Write(one, "h"u8.ToArray(), default));
        List<(Http2FrameHeader Header, byte[] Payload)> frames = harness.TakeFrames();
        Assert.Equal(["abcdefg", "x", "h"], frames.Select(frame => Encoding.ASCII.GetString(frame.Payload)));
        Assert.Equal([1, 3, 1], frames.Select(frame => frame.Header.StreamId));
    }

    [Fact]
    public void LargeHeaderListsAreContinued()
    {
        using ConnectionHarness harness = new();
        Http2Stream stream = harness.Open(1, endStream: true);
        harness.Connection.WriteHeaders(stream, new HeaderList { { ":status", "200" }, { "x-large", new string('\u00e9', 20_000) } }, endStream: true);
        List<(Http2FrameHeader Header, byte[] Payload)> frames = harness.TakeFrames();
        Assert.True(frames.Count > 1);
        Assert.Equal(Http2FrameFlags.EndStream, frames[0].Header.Flags);
        Assert.All(frames.Skip(1), frame => Assert.Equal(Http2FrameType.Continuation, frame.Header.Type));
        Assert.Equal(Http2FrameFlags.EndHeaders, frames[^1].Header.Flags);
        HeaderList headers = new();
        Assert.True(new HpackDecoder(4096).Decode(frames.SelectMany(frame => frame.Payload).ToArray(), headers, int.MaxValue));
        Assert.Equal(20_000, headers["x-large"]!.Length);
        Assert.True(stream.Closed);
    }

    public static TheoryData<string, string> BrokenConnections => new()
    {
        { "no preface", "ProtocolError" },
        { "no settings first", "ProtocolError" },
        { "settings ack first", "ProtocolError" },
        { "frame too large", "FrameSizeError" },
        { "data on stream 0", "ProtocolError" },
        { "data on idle stream", "ProtocolError" },
        { "even stream", "ProtocolError" },
        { "headers on stream 0", "ProtocolError" },
        { "reset of idle stream", "ProtocolError" },
        { "reset of wrong size", "FrameSizeError" },
        { "window update of idle stream", "ProtocolError" },
        { "window update of 0", "ProtocolError" },
        { "window update of wrong size", "FrameSizeError" },
        { "window overflow", "FlowControlError" },
        { "settings of wrong size", "FrameSizeError" },
        { "settings ack with payload", "FrameSizeError" },
        { "settings on a stream", "ProtocolError" },
        { "settings with a window too large", "FlowControlError" },
        { "settings that overflow a stream", "FlowControlError" },
        { "settings with a frame size too small", "ProtocolError" },
        { "settings with push 2", "ProtocolError" },
        { "ping of wrong size", "FrameSizeError" },
        { "ping on a stream", "ProtocolError" },
        { "goaway on a stream", "ProtocolError" },
        { "goaway too short", "FrameSizeError" },
        { "push promise", "ProtocolError" },
        { "priority of wrong size", "FrameSizeError" },
        { "continuation of nothing", "ProtocolError" },
        { "another frame inside a header block", "ProtocolError" },
        { "continuation on another stream", "ProtocolError" },
        { "data padding too long", "ProtocolError" },
        { "headers padding too long", "ProtocolError" },
        { "headers without room for priority", "FrameSizeError" },
        { "malformed header block", "CompressionError" },
        { "headers on a closed stream", "StreamClosed" },
        { "older stream", "StreamClosed" },
    };

    [Theory]
    [MemberData(nameof(BrokenConnections))]
    public void WhatBreaksTheConnection(string what, string expected)
    {
        bool early = what is "no preface" or "no settings first" or "settings ack first";
        using ConnectionHarness harness = new(started: !early);
        byte[] preface = Encoding.ASCII.GetBytes(Preface);
        byte[][] input = what switch
        {
            "no preface" => ["GET / HT"u8.ToArray()],
            "no settings first" => [preface, Ping()],
            "settings ack first" => [preface, Frame(4, 1, 0)],
            "frame too large" => [Frame(0xee, 0, 1, new byte[16385])[..9]],
            "data on stream 0" => [Data(0, 1)],
            "data on idle stream" => [Data(1, 1)],
            "even stream" => [Headers(2)],
            "headers on stream 0" => [Headers(0)],
            "reset of idle stream" => [Reset(1)],
            "reset of wrong size" => [Headers(1), Frame(3, 0, 1, 0, 0, 0)],
            "window update of idle stream" => [WindowUpdate(1, 1)],
            "window update of 0" => [WindowUpdate(0, 0)],
            "window update of wrong size" => [Frame(8, 0, 0, 0, 0, 1)],
            "window overflow" => [WindowUpdate(0, 0x7fffffff)],
            "settings of wrong size" => [Frame(4, 0, 0, 0, 1, 0, 0, 0)],
            "settings ack with payload" => [Frame(4, 1, 0, 0, 1, 0, 0, 0, 0)],
            "settings on a stream" => [Frame(4, 0, 1)],
            "settings with a window too large" => [Settings((4, 0x80000000))],
            "settings that overflow a stream" => [Headers(1), WindowUpdate(1, 0x7fffffff - 65535), Settings((4, 65536))],
            "settings with a frame size too small" => [Settings((5, 16383))],
            "settings with push 2" => [Settings((2, 2))],
            "ping of wrong size" => [Frame(6, 0, 0, 1)],
            "ping on a stream" => [Frame(6, 0, 1, new byte[8])],
            "goaway on a stream" => [Frame(7, 0, 1, new byte[8])],
            "goaway too short" => [Frame(7, 0, 0, new byte[7])],
            "push promise" => [Frame(5, 4, 1, 0, 0, 0, 2)],
            "priority of wrong size" => [Frame(2, 0, 1, 1)],
            "continuation of nothing" => [Frame(9, 4, 1)],
            "another frame inside a header block" => [Frame(1, 0, 1, RequestBlock), Ping()],
            "continuation on another stream" => [Frame(1, 0, 1, RequestBlock), Frame(9, 4, 3)],
            "data padding too long" => [Headers(1), Frame(0, 8, 1, 3, 0, 0)],
            "headers padding too long" => [Frame(1, 12, 1, 1)],
            "headers without room for priority" => [Frame(1, 0x24, 1, 1, 2, 3, 4)],
            "malformed header block" => [Headers(1, block: [0x80])],
            "headers on a closed stream" => [Headers(1), Reset(1), Headers(1)],
            "older stream" => [Headers(5), Headers(3)],
            _ => throw new ArgumentException(what),
        };
        Http2ErrorCode error = harness.SendBroken(input);
        Assert.Equal(expected, error.ToString());
        harness.Output();
        harness.Connection.Fail(error);
        Assert.EndsWith(expected + ")", harness.Output(), StringComparison.Ordinal);
    }

    public static TheoryData<string, string> BrokenStreams => new()
    {
        { "data after the end", "StreamClosed" },
        { "trailers after the end", "StreamClosed" },
        { "trailers without end", "ProtocolError" },
        { "trailers with pseudo-header", "ProtocolError" },
        { "window update of 0", "ProtocolError" },
        { "window overflow", "FlowControlError" },
        { "more than content-length", "ProtocolError" },
        { "less than content-length", "ProtocolError" },
    };

    [Theory]
    [MemberData(nameof(BrokenStreams))]
    public void WhatBreaksOnlyAStream(string what, string expected)
    {
        using ConnectionHarness harness = new();
        byte[] withLength = [.. RequestBlock, .. Literal("content-length", "3")];
        harness.Send(what switch
        {
            "data after the end" => [Headers(1, endStream: true), Data(1, 1)],
            "trailers after the end" => [Headers(1, endStream: true), Headers(1, endStream: true, Literal("a", "b"))],
            "trailers without end" => [Headers(1), Headers(1, block: Literal("a", "b"))],
            "trailers with pseudo-header" => [Headers(1), Headers(1, endStream: true)],
            "window update of 0" => [Headers(1), WindowUpdate(1, 0)],
            "window overflow" => [Headers(1), WindowUpdate(1, 0x7fffffff)],
            "more than content-length" => [Headers(1, block: withLength), Data(1, 4)],
            "less than content-length" => [Headers(1, block: withLength), Data(1, 2, endStream: true)],
            _ => throw new ArgumentException(what),
        });
        Assert.Equal($"reset(1,{expected})", harness.Output());
        Assert.Contains($"reset(1,{expected})", harness.Events);

        // What the peer had sent before it knew is ignored, and the connection lives on.
        harness.Send(Data(1, 5), Headers(1, endStream: true, Literal("a", "b")), WindowUpdate(1, 5), Reset(1), Ping());
        Assert.Equal("ping-ack(0)", harness.Output());
    }

    [Theory]
    [InlineData("Upper", "a")]
    [InlineData("connection", "close")]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("te", "gzip")]
    [InlineData("x-value", "a\nb")]
    [InlineData("x-value", " a")]
    [InlineData(":path", "/again")]
    [InlineData(":unknown", "a")]
    [InlineData("content-length", "-1")]
    [InlineData("", "a")]
    public void MalformedRequestsAreReset(string name, string value)
    {
        using ConnectionHarness harness = new();
        harness.Send(Headers(1, block: [.. RequestBlock, .. Literal(name, value)]));
        Assert.Equal("reset(1,ProtocolError)", harness.Output());
        Assert.Equal("", harness.TakeEvents());
    }

    [Fact]
    public void APseudoHeaderAfterAFieldOrAMissingOneIsMalformed()
    {
        using ConnectionHarness harness = new();
        harness.Send(Headers(1, block: [0x83, 0x86, .. Literal("a", "b"), 0x84]), Headers(3, block: [0x83, 0x86]));
        Assert.Equal("reset(1,ProtocolError) reset(3,ProtocolError)", harness.Output());
    }

    [Fact]
    public void GoAwayOfOursLeavesOpenStreamsAloneAndIgnoresNewOnes()
    {
        using ConnectionHarness harness = new();
        Http2Stream stream = harness.Open(1);
        harness.Connection.BeginShutdown();
        harness.Send(Headers(3), Data(3, 10), Reset(3), Data(1, 2, endStream: true));
        Assert.Equal("goaway(1,NoError)", harness.Output());
        Assert.Equal("request(1,/) data(1,#2) end(1)", harness.TakeEvents());
        Assert.False(harness.Connection.IsDrained);
        harness.Connection.Release(stream);
        Assert.True(harness.Connection.IsDrained);
    }

    [Fact]
    public void WhatStreamsHadToSendIsForgottenAtTheEnd()
    {
        using ConnectionHarness harness = new(null, true, (4, 10));
        Http2Stream stream = harness.Open(1);
        harness.Respond(stream);
        Assert.False(harness.Connection.Write(stream, default, new byte[20]));
        harness.Connection.BeginShutdown();
        harness.Connection.Fail(Http2ErrorCode.NoError);
        Assert.Equal(0, stream.PendingLength);
        Assert.Equal("goaway(1,NoError) data(1,10)", harness.Output());
    }

    [Fact]
    public void GoAwayOfThePeerEndsWithTheLastRequest()
    {
        using ConnectionHarness harness = new();
        Http2Stream stream = harness.Open(1);
        harness.Send(Frame(7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, (byte)'x'));
        Assert.Contains("goaway(EnhanceYourCalm)", harness.Events);
        Assert.False(harness.Connection.IsDrained);
        harness.Connection.Release(stream);
        Assert.True(harness.Connection.IsDrained);
    }

    [Fact]
    public void AReleasedRequestThatHasNotEndedIsResetWithoutError()
    {
        using ConnectionHarness harness = new();
        Http2Stream stream = harness.Open(1);
        harness.Connection.WriteHeaders(stream, new HeaderList { { ":status", "200" } }, endStream: true);
        harness.Connection.Release(stream);
        Assert.Equal("headers(1,end) reset(1,NoError)", harness.Output());
    }

    [Fact]
    public void EventsDoNotDependOnHowTheInputIsCut() => Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
    {
        Random random = new(seed);
        byte[] input =
        [
            .. Start((1, 100), (4, 10)),
            .. Frame(1, 0, 1, 0x83), .. Frame(9, 0, 1, 0x86), .. Frame(9, 4, 1, 0x84),
            .. Data(1, 100), .. Frame(0, 8, 1, 2, 65, 66, 0, 0), .. Ping(3),
            .. Headers(3, endStream: true), .. WindowUpdate(1, 5), .. Frame(0xee, 0, 9, 1, 2), .. Data(1, random.Next(16384)),
            .. Headers(1, endStream: true, Literal("a", "b")), .. Reset(3, 8), .. Frame(7, 0, 0, new byte[20]),
        ];
        using ConnectionHarness whole = new(started: false);
        whole.Send(input);
        using ConnectionHarness cut = new(started: false);
        int largest = random.Next(2) == 0 ? 1 : random.Next(1, 2000);
        for (int position = 0; position < input.Length;)
        {
            int count = Math.Min(input.Length - position, random.Next(1, largest + 1));
            cut.Send(input[position..(position + count)]);
            position += count;
        }

        Assert.Equal(whole.Events, cut.Events);
        Assert.Equal(whole.Output(), cut.Output());
        Assert.Equal(9, cut.Events.Count);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void RandomOctetsNeverDoMoreThanBreakTheConnection() => Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
    {
        Random random = new(seed);
        using ConnectionHarness harness = new();
        try
        {
            for (int i = 0; i < 200; i++)
            {
                byte[] payload = new byte[random.Next(4) == 0 ? random.Next(300) : random.Next(10)];
                random.NextBytes(payload);
                harness.Send(random.Next(5) switch
                {
                    0 => Headers(random.Next(1, 20) | 1),
                    1 => Data(random.Next(1, 20) | 1, payload.Length),
                    _ => Frame(random.Next(11), random.Next(256), random.Next(20), payload),
                });
            }
        }
        catch (Http2Exception error)
        {
            harness.Connection.Fail(error.ErrorCode);
        }

        FrameScript.Parse(harness.TakeFrames().SelectMany(frame => Frame((int)frame.Header.Type, (int)frame.Header.Flags, frame.Header.StreamId, frame.Payload)).ToArray());
    }).QuickCheckThrowOnFailure();
}
