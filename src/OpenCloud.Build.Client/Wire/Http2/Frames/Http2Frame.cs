using System.Buffers.Binary;

namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>The types of frames (RFC 9113, 6). Others are ignored.</summary>
internal enum Http2FrameType : byte
{
    Data = 0,

    Headers = 1,

    /// <summary>Deprecated advice about the order of streams.</summary>
    Priority = 2,

    RstStream = 3,

    /// <summary>The sender's settings, or the acknowledgement of the other side's.</summary>
    Settings = 4,

    /// <summary>Announces a pushed stream; a client must not send it.</summary>
    PushPromise = 5,

    /// <summary>Asks the peer to return the same payload.</summary>
    Ping = 6,

    GoAway = 7,

    WindowUpdate = 8,

    Continuation = 9,
}

/// <summary>The flags of frames; what a bit means depends on the type (RFC 9113, 6).</summary>
[Flags]
internal enum Http2FrameFlags : byte
{
    None = 0,

    /// <summary>SETTINGS, PING: this is an acknowledgement.</summary>
    Ack = 1,

    /// <summary>DATA, HEADERS: the sender sends nothing more on this stream.</summary>
    EndStream = 1,

    /// <summary>HEADERS, CONTINUATION: the header block ends here.</summary>
    EndHeaders = 4,

    /// <summary>DATA, HEADERS: padding follows.</summary>
    Padded = 8,

    /// <summary>HEADERS: priority fields precede the header block.</summary>
    Priority = 0x20,
}

/// <summary>The parameters of SETTINGS (RFC 9113, 6.5.2).</summary>
internal enum Http2Setting : ushort
{
    /// <summary>The room of the decoder's table in bytes.</summary>
    HeaderTableSize = 1,

    EnablePush = 2,

    /// <summary>How many streams the other side may have open.</summary>
    MaxConcurrentStreams = 3,

    /// <summary>The window with which a stream begins, in bytes.</summary>
    InitialWindowSize = 4,

    /// <summary>The largest payload of a frame, in bytes.</summary>
    MaxFrameSize = 5,

    /// <summary>The largest header list, in bytes.</summary>
    MaxHeaderListSize = 6,
}

/// <summary>The header of a frame (RFC 9113, 4.1). The length is that of the payload in bytes; stream 0 is the connection.</summary>
internal readonly record struct Http2FrameHeader(int Length, Http2FrameType Type, Http2FrameFlags Flags, int StreamId)
{
    internal const int Size = 9;

    /// <summary>The payload in bytes that each side must accept, and the most that this side accepts (RFC 9113, 4.2).</summary>
    internal const int DefaultMaxPayload = 16384;

    /// <summary>Reads a header from <see cref="Size"/> bytes.</summary>
    internal static Http2FrameHeader Read(ReadOnlySpan<byte> source) => new(
        (source[0] << 16) | (source[1] << 8) | source[2],
        (Http2FrameType)source[3],
        (Http2FrameFlags)source[4],
        (int)(BinaryPrimitives.ReadUInt32BigEndian(source[5..]) & 0x7fffffff));

    /// <summary>Writes the header's <see cref="Size"/> bytes.</summary>
    internal void Write(Span<byte> destination)
    {
        destination[0] = (byte)(Length >> 16);
        destination[1] = (byte)(Length >> 8);
        destination[2] = (byte)Length;
        destination[3] = (byte)Type;
        destination[4] = (byte)Flags;
        BinaryPrimitives.WriteUInt32BigEndian(destination[5..], (uint)StreamId);
    }

    internal bool Has(Http2FrameFlags flag) => (Flags & flag) != 0;
}
