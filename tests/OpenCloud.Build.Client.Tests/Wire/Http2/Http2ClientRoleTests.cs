using System.Text;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>What differs when the peer is the server, octet by octet.</summary>
public sealed class Http2ClientRoleTests
{
    // The static table has ":status 200" at 8 (RFC 7541, appendix A).
    private static readonly byte[] Ok = [0x88];
    private static readonly byte[] Trailers = FrameScript.Literal("grpc-status", "0");

    [Fact]
    public void Begins_with_preface_settings_and_window_and_opens_odd_streams()
    {
        using ConnectionHarness harness = new(Http2Role.Client);
        Request(harness);
        using PooledBuffer output = harness.Connection.TakeOutput(Http2Output.CreateGather());
        Assert.Equal(FrameScript.Preface, Encoding.ASCII.GetString(output.Span[..24]));
        List<(Http2FrameHeader Header, byte[] Payload)> frames = FrameScript.Parse(output.Span[24..]);
        Assert.Equal([Http2FrameType.Settings, Http2FrameType.WindowUpdate, Http2FrameType.Headers], frames.Select(static f => f.Header.Type));
        Assert.Equal([0, 2, 0, 0, 0, 0], frames[0].Payload[..6]);
        Assert.Equal(1, frames[2].Header.StreamId);
        Assert.False(frames[2].Header.Has(Http2FrameFlags.EndStream));
        Assert.Equal(3, Request(harness).Id);
    }

    [Fact]
    public void Response_data_and_trailers_come_out_and_the_other_direction_stays_open()
    {
        using ConnectionHarness harness = Start(out Http2Stream stream);
        harness.Send(FrameScript.Headers(1, block: Ok), FrameScript.Data(1, 5), FrameScript.Headers(1, endStream: true, block: Trailers));
        Assert.Equal("response(1,200) data(1,#5) end(1,1)", harness.TakeEvents());
        Assert.False(stream.Closed);
        harness.Connection.WriteEnd(stream);
        Assert.True(stream.Closed);
        Assert.Equal("data(1,0,end)", harness.Output());
    }

    [Fact]
    public void Headers_that_end_the_stream_are_the_whole_response()
    {
        using ConnectionHarness harness = Start(out _);
        harness.Send(FrameScript.Headers(1, endStream: true, block: Ok));
        Assert.Equal("response(1,200) end(1)", harness.TakeEvents());
    }

    [Fact]
    public void Interim_responses_are_passed_over()
    {
        using ConnectionHarness harness = Start(out _);
        harness.Send(FrameScript.Headers(1, block: FrameScript.Literal(":status", "103")), FrameScript.Headers(1, block: Ok));
        Assert.Equal("response(1,200)", harness.TakeEvents());
    }

    [Fact]
    public void Responses_that_are_malformed_break_the_stream_only()
    {
        byte[][] blocks =
        [
            FrameScript.Literal(":status", "20"),
            FrameScript.Literal(":status", "099"),
            FrameScript.Literal("x", "y"),
            [.. FrameScript.Literal("x", "y"), .. Ok],
            [.. Ok, .. Ok],
            [.. Ok, .. FrameScript.Literal("X", "y")],
            [.. Ok, .. FrameScript.Literal("connection", "close")],
            [.. Ok, .. FrameScript.Literal("content-length", "x")],
            FrameScript.RequestBlock,
        ];
        foreach (byte[] block in blocks)
        {
            using ConnectionHarness harness = Start(out _);
            harness.Send(FrameScript.Headers(1, block: block));
            Assert.Equal("reset(1,ProtocolError)", harness.TakeEvents());
            Assert.Equal("reset(1,ProtocolError)", harness.Output());
        }
    }

    [Fact]
    public void An_interim_response_may_not_end_the_stream_and_data_may_not_come_first()
    {
        using ConnectionHarness ends = Start(out _);
        ends.Send(FrameScript.Headers(1, endStream: true, block: FrameScript.Literal(":status", "100")));
        Assert.Equal("reset(1,ProtocolError)", ends.TakeEvents());
        using ConnectionHarness data = Start(out _);
        data.Send(FrameScript.Data(1, 3));
        Assert.Equal("reset(1,ProtocolError)", data.TakeEvents());
    }

    [Fact]
    public void What_no_server_may_send_breaks_the_connection()
    {
        byte[][] frames =
        [
            FrameScript.Frame(5, 4, 1, [0, 0, 0, 2, 0x88]),
            FrameScript.Headers(2, block: Ok),
            FrameScript.Headers(3, block: Ok),
            FrameScript.Data(2, 1),
            FrameScript.Data(3, 1),
            FrameScript.Settings((2, 1)),
            Encoding.ASCII.GetBytes(FrameScript.Preface),
        ];
        foreach (byte[] frame in frames)
        {
            using ConnectionHarness harness = Start(out _);
            Assert.NotEqual(Http2ErrorCode.NoError, harness.SendBroken(frame));
        }
    }

    [Fact]
    public void The_first_frame_must_be_settings()
    {
        using ConnectionHarness harness = new(Http2Role.Client);
        Assert.Equal(Http2ErrorCode.FrameSizeError, harness.SendBroken("HTTP/1.1 400 Bad Request\r\n"u8.ToArray()));
        using ConnectionHarness other = new(Http2Role.Client);
        Assert.Equal(Http2ErrorCode.ProtocolError, other.SendBroken(FrameScript.Ping()));
    }

    [Fact]
    public void Data_heeds_both_windows_and_pings_overtake_it()
    {
        using ConnectionHarness harness = Start(out Http2Stream stream);
        Assert.False(harness.Connection.Write(stream, new byte[10], new byte[100_000]));
        Assert.Equal("data(1,16384) data(1,16384) data(1,16384) data(1,16383)", harness.Output());
        harness.Send(FrameScript.WindowUpdate(1, 1000));
        Assert.Equal("", harness.Output());
        harness.Send(FrameScript.WindowUpdate(0, 100_000), FrameScript.Ping(7));
        Assert.Equal("ping-ack(7) data(1,1000)", harness.Output());
        harness.Send(FrameScript.WindowUpdate(1, 100_000));
        Assert.Equal("data(1,16384) data(1,16384) data(1,707)", harness.Output());
        Assert.Equal("written(1)", harness.TakeEvents());
    }

    [Fact]
    public void The_peer_gets_windows_back_when_octets_are_consumed()
    {
        using ConnectionHarness harness = Start(out Http2Stream stream, new Http2Options { StreamReceiveWindow = 20_000, ConnectionReceiveWindow = 65_535 });
        harness.Send(FrameScript.Headers(1, block: Ok), FrameScript.Data(1, 10_000));
        Assert.Equal("", harness.Output());
        harness.Connection.Consume(stream, 10_000);
        Assert.Equal("window(1,10000)", harness.Output());
    }

    [Fact]
    public void Going_away_names_no_stream_of_the_servers()
    {
        using ConnectionHarness harness = Start(out Http2Stream stream);
        harness.Connection.Reset(stream, Http2ErrorCode.Cancel);
        harness.Connection.Fail(Http2ErrorCode.NoError);
        Assert.Equal("reset(1,Cancel) goaway(0,NoError)", harness.Output());
    }

    [Fact]
    public void The_peers_reset_and_goaway_are_told()
    {
        using ConnectionHarness harness = Start(out _);
        harness.Send(FrameScript.Frame(7, 0, 0, [0, 0, 0, 1, 0, 0, 0, 11]), FrameScript.Reset(1, 7));
        Assert.Equal("goaway(EnhanceYourCalm) reset(1,RefusedStream,peer)", harness.TakeEvents());
    }

    private static ConnectionHarness Start(out Http2Stream stream, Http2Options? options = null)
    {
        ConnectionHarness harness = new(Http2Role.Client, options);
        stream = Request(harness);
        harness.Send(FrameScript.Settings());
        harness.Connection.TakeOutput(Http2Output.CreateGather()).Dispose();
        return harness;
    }

    private static Http2Stream Request(ConnectionHarness harness) =>
        harness.Connection.Request(new HeaderList { { ":method", "POST" }, { ":scheme", "http" }, { ":path", "/" } });
}
