namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>The rules for a frame's header alone (RFC 9113, 3.4, 4.2, 4.3 and 6), checked before its payload is awaited.</summary>
internal static class Http2FrameRules
{
    /// <summary>Checks a header. The open block's stream is the one whose header block is not complete, or 0.</summary>
    /// <exception cref="Http2Exception">The frame breaks the connection.</exception>
    internal static void Check(Http2FrameHeader header, bool settingsSeen, int openBlockStream)
    {
        if (header.Length > Http2FrameHeader.DefaultMaxPayload)
        {
            throw new Http2Exception(
                Http2ErrorCode.FrameSizeError, $"A frame of {header.Length} octets, of {Http2FrameHeader.DefaultMaxPayload} that are allowed.");
        }

        if (!settingsSeen && (header.Type != Http2FrameType.Settings || header.Has(Http2FrameFlags.Ack)))
        {
            throw new Http2Exception(Http2ErrorCode.ProtocolError, "The peer's first frame is not its SETTINGS.");
        }

        bool isContinuation = header.Type == Http2FrameType.Continuation;
        if (openBlockStream != 0 ? !isContinuation || header.StreamId != openBlockStream : isContinuation)
        {
            throw new Http2Exception(Http2ErrorCode.ProtocolError, "A header block is not continued, or a CONTINUATION continues none.");
        }

        bool isOfStream = header.Type is Http2FrameType.Data or Http2FrameType.Headers or Http2FrameType.Priority or Http2FrameType.RstStream;
        bool isOfConnection = header.Type is Http2FrameType.Settings or Http2FrameType.Ping or Http2FrameType.GoAway;
        if (header.StreamId == 0 ? isOfStream : isOfConnection)
        {
            throw new Http2Exception(Http2ErrorCode.ProtocolError, $"A {header.Type} frame on stream {header.StreamId}.");
        }
    }
}
