using System.Globalization;
using System.Text;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>A connection state to which a test speaks in octets. Events and output are written down as text.</summary>
internal sealed class ConnectionHarness : IHttp2ConnectionEvents, IDisposable
{
    private byte[] _unconsumed = [];

    public ConnectionHarness(Http2Options? options = null, bool started = true, params (int Setting, uint Value)[] settings)
    {
        Connection = new Http2Connection(options ?? new Http2Options(), this);
        if (started)
        {
            Send(FrameScript.Start(settings));
            Output();
        }
    }

    public ConnectionHarness(Http2Role role, Http2Options? options = null) => Connection = new Http2Connection(options ?? new Http2Options(), this, role);

    public Http2Connection Connection { get; }

    public List<string> Events { get; } = [];

    public Dictionary<int, Http2Stream> Streams { get; } = [];

    public bool ConsumesAtOnce { get; set; }

    public void Send(params byte[][] pieces)
    {
        foreach (byte[] piece in pieces)
        {
            byte[] input = [.. _unconsumed, .. piece];
            _unconsumed = input[Connection.Receive(input)..];
        }
    }

    public Http2ErrorCode SendBroken(params byte[][] pieces) => Xunit.Assert.Throws<Http2Exception>(() => Send(pieces)).ErrorCode;

    /// <summary>Takes the output. DATA is shown with its length, the rest with its payload.</summary>
    public string Output() => string.Join(' ', TakeFrames().Select(frame => frame.Header.Type switch
    {
        Http2FrameType.Data => string.Create(CultureInfo.InvariantCulture, $"data({frame.Header.StreamId},{frame.Payload.Length}{(frame.Header.Has(Http2FrameFlags.EndStream) ? ",end" : "")})"),
        Http2FrameType.Settings when frame.Header.Has(Http2FrameFlags.Ack) => "settings-ack",
        Http2FrameType.Ping => $"ping{(frame.Header.Has(Http2FrameFlags.Ack) ? "-ack" : "")}({frame.Payload[0]})",
        Http2FrameType.WindowUpdate => $"window({frame.Header.StreamId},{Number(frame.Payload)})",
        Http2FrameType.RstStream => $"reset({frame.Header.StreamId},{(Http2ErrorCode)Number(frame.Payload)})",
        Http2FrameType.GoAway => $"goaway({Number(frame.Payload)},{(Http2ErrorCode)Number(frame.Payload.AsSpan(4))})",
        Http2FrameType other => $"{other.ToString().ToLowerInvariant()}({frame.Header.StreamId}{(frame.Header.Has(Http2FrameFlags.EndStream) ? ",end" : "")})",
    }));

    public List<(Http2FrameHeader Header, byte[] Payload)> TakeFrames()
    {
        List<byte> all = new();
        while (Connection.OutputLength > 0)
        {
            using PooledBuffer gather = Connection.TakeOutput(Http2Output.CreateGather());
            all.AddRange(gather.Span);
        }

        return FrameScript.Parse(all.ToArray());
    }

    public string TakeEvents()
    {
        string text = string.Join(' ', Events);
        Events.Clear();
        return text;
    }

    public Http2Stream Open(int id, bool endStream = false)
    {
        Send(FrameScript.Headers(id, endStream));
        return Streams[id];
    }

    public void Respond(Http2Stream stream)
    {
        Connection.WriteHeaders(stream, new HeaderList { { ":status", "200" } }, endStream: false);
        Output();
    }

    public void Dispose() => Connection.Dispose();

    public void OnHeaders(Http2Stream stream, HeaderList headers)
    {
        Streams[stream.Id] = stream;
        Events.Add(headers[":status"] is { } status ? $"response({stream.Id},{status})" : $"request({stream.Id},{headers[":path"]})");
    }

    public void OnData(Http2Stream stream, ReadOnlySpan<byte> data)
    {
        Events.Add($"data({stream.Id},{Encoding.Latin1.GetString(data).Trim('\0')}#{data.Length})");
        if (ConsumesAtOnce)
        {
            Connection.Consume(stream, data.Length);
        }
    }

    public void OnEnded(Http2Stream stream, HeaderList? trailers) => Events.Add($"end({stream.Id}{(trailers is null ? "" : "," + trailers.Count)})");

    public void OnReset(Http2Stream stream, Http2ErrorCode errorCode, bool byPeer) => Events.Add($"reset({stream.Id},{errorCode}{(byPeer ? ",peer" : "")})");

    public void OnWritten(Http2Stream stream) => Events.Add($"written({stream.Id})");

    public void OnGoAway(int lastStreamId, Http2ErrorCode errorCode) => Events.Add($"goaway({errorCode})");

    private static uint Number(ReadOnlySpan<byte> octets) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(octets);
}
