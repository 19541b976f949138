using System.Buffers.Binary;
using System.Diagnostics;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// The frames that wait for the transport, in two buffers: frames whose order matters (HEADERS, DATA, RST_STREAM, SETTINGS acknowledgements)
/// and those that may overtake them (PING acknowledgements, WINDOW_UPDATE, GOAWAY). A gather takes both, the latter in front.
/// </summary>
internal sealed class Http2Output : IDisposable
{
    private const int InitialCapacity = 16 * 1024;
    private const int Headroom = 4 * 1024;

    private readonly int _maxGathered;
    private readonly int _maxPendingControlFrames;
    private readonly PooledBuffer _control = new(1024);
    private readonly PooledBuffer _headerBlock = new(1024);
    private PooledBuffer _ordered = CreateGather();
    private int _pendingControlFrames;

    // The DATA frame that ends the ordered buffer and may still grow: its start, its stream (0: none), and its payload.
    private int _openFrameStart;
    private int _openFrameStream;
    private int _openFrameLength;

    internal Http2Output(int maxGathered, int maxPendingControlFrames)
    {
        _maxGathered = maxGathered;
        _maxPendingControlFrames = maxPendingControlFrames;
    }

    internal HpackEncoder Encoder { get; } = new();

    /// <summary>The largest payload that we send, in bytes.</summary>
    internal int MaxPayload { get; set; } = Http2FrameHeader.DefaultMaxPayload;

    internal bool HasRoom => _ordered.Length < _maxGathered;

    internal int Length => _ordered.Length + _control.Length;

    /// <summary>Whether too many frames other than DATA wait: the peer does not read what it causes.</summary>
    internal bool IsFlooded => _pendingControlFrames > _maxPendingControlFrames;

    /// <summary>Whether HEADERS or DATA were written since this was last set to false.</summary>
    internal bool HasSentContent { get; set; }

    internal static PooledBuffer CreateGather() => new(InitialCapacity, Headroom);

    /// <summary>Takes all that waits, and leaves an empty buffer in its place.</summary>
    internal PooledBuffer Take(PooledBuffer empty)
    {
        PooledBuffer gather = _ordered;
        if (_control.Length > 0)
        {
            gather.Prepend(_control.Span);
            _control.Clear();
        }

        _ordered = empty;
        _openFrameStream = 0;
        _pendingControlFrames = 0;
        return gather;
    }

    /// <summary>Adds the client's connection preface (RFC 9113, 3.4).</summary>
    internal void WritePreface() => _control.Append(Http2FrameHandler.Preface);

    /// <summary>Adds SETTINGS with our values. It must be the first frame.</summary>
    internal void WriteSettings(params ReadOnlySpan<(Http2Setting Setting, uint Value)> settings)
    {
        Span<byte> payload = stackalloc byte[settings.Length * 6];
        for (int i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload[(i * 6)..], (ushort)settings[i].Setting);
            BinaryPrimitives.WriteUInt32BigEndian(payload[((i * 6) + 2)..], settings[i].Value);
        }

        WriteFrame(_control, Http2FrameType.Settings, Http2FrameFlags.None, 0, payload);
    }

    /// <summary>Adds the SETTINGS acknowledgement, behind the frames made under the old settings.</summary>
    internal void WriteSettingsAck() => WriteOrdered(Http2FrameType.Settings, Http2FrameFlags.Ack, 0, []);

    internal void WritePing(ReadOnlySpan<byte> payload) => WriteFrame(_control, Http2FrameType.Ping, Http2FrameFlags.None, 0, payload);

    internal void WritePingAck(ReadOnlySpan<byte> payload) => WriteFrame(_control, Http2FrameType.Ping, Http2FrameFlags.Ack, 0, payload);

    internal void WriteWindowUpdate(int streamId, int increment)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, increment);
        WriteFrame(_control, Http2FrameType.WindowUpdate, Http2FrameFlags.None, streamId, payload);
    }

    /// <summary>Adds GOAWAY: behind all else when it is the last frame, otherwise ahead of what waits.</summary>
    internal void WriteGoAway(int lastStreamId, Http2ErrorCode errorCode, bool isLast)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteInt32BigEndian(payload, lastStreamId);
        BinaryPrimitives.WriteUInt32BigEndian(payload[4..], (uint)errorCode);

        _openFrameStream = 0;
        WriteFrame(isLast ? _ordered : _control, Http2FrameType.GoAway, Http2FrameFlags.None, 0, payload);
    }

    internal void WriteReset(int streamId, Http2ErrorCode errorCode)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, (uint)errorCode);
        WriteOrdered(Http2FrameType.RstStream, Http2FrameFlags.None, streamId, payload);
    }

    /// <summary>Adds HEADERS, and CONTINUATION when the block is larger than a frame.</summary>
    internal void WriteHeaders(int streamId, HeaderList headers, bool endStream)
    {
        _headerBlock.Clear();
        Encoder.Encode(headers, _headerBlock);
        ReadOnlySpan<byte> rest = _headerBlock.Span;
        Http2FrameType type = Http2FrameType.Headers;
        Http2FrameFlags flags = endStream ? Http2FrameFlags.EndStream : Http2FrameFlags.None;
        do
        {
            ReadOnlySpan<byte> fragment = rest[..Math.Min(rest.Length, MaxPayload)];
            rest = rest[fragment.Length..];
            WriteOrdered(type, rest.IsEmpty ? flags | Http2FrameFlags.EndHeaders : flags, streamId, fragment);
            type = Http2FrameType.Continuation;
            flags = Http2FrameFlags.None;
        }
        while (!rest.IsEmpty);
        HasSentContent = true;
    }

    /// <summary>Adds an empty DATA frame that ends the stream.</summary>
    internal void WriteEnd(int streamId) => WriteOrdered(Http2FrameType.Data, Http2FrameFlags.EndStream, streamId, []);

    /// <summary>Adds bytes of DATA: to the last frame when it belongs to the same stream, otherwise in a new frame.</summary>
    /// <returns>How many bytes were taken: one frame's worth at most.</returns>
    internal int WriteData(int streamId, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, int limit)
    {
        bool extend = _openFrameStream == streamId && _openFrameLength < MaxPayload;
        if (!extend)
        {
            _openFrameStart = _ordered.Length;
            _openFrameStream = streamId;
            _openFrameLength = 0;
        }

        int count = Math.Min(Math.Min(head.Length + body.Length, limit), MaxPayload - _openFrameLength);
        Debug.Assert(count > 0, "An empty DATA frame is WriteEnd's.");
        int fromHead = Math.Min(head.Length, count);
        int frameHeader = extend ? 0 : Http2FrameHeader.Size;
        Span<byte> span = _ordered.GetSpan(frameHeader + count)[frameHeader..];
        head[..fromHead].CopyTo(span);
        body[..(count - fromHead)].CopyTo(span[fromHead..]);
        _ordered.Advance(frameHeader + count);
        _openFrameLength += count;
        new Http2FrameHeader(_openFrameLength, Http2FrameType.Data, Http2FrameFlags.None, streamId).Write(_ordered.Span[_openFrameStart..]);
        HasSentContent = true;
        return count;
    }

    public void Dispose()
    {
        _control.Dispose();
        _headerBlock.Dispose();
        _ordered.Dispose();
    }

    private static void AppendFrame(PooledBuffer buffer, Http2FrameType type, Http2FrameFlags flags, int streamId, ReadOnlySpan<byte> payload)
    {
        Span<byte> span = buffer.GetSpan(Http2FrameHeader.Size + payload.Length);
        new Http2FrameHeader(payload.Length, type, flags, streamId).Write(span);
        payload.CopyTo(span[Http2FrameHeader.Size..]);
        buffer.Advance(Http2FrameHeader.Size + payload.Length);
    }

    private void WriteOrdered(Http2FrameType type, Http2FrameFlags flags, int streamId, ReadOnlySpan<byte> payload)
    {
        _openFrameStream = 0;
        WriteFrame(_ordered, type, flags, streamId, payload);
    }

    private void WriteFrame(PooledBuffer buffer, Http2FrameType type, Http2FrameFlags flags, int streamId, ReadOnlySpan<byte> payload)
    {
        _pendingControlFrames++;
        AppendFrame(buffer, type, flags, streamId, payload);
    }
}
