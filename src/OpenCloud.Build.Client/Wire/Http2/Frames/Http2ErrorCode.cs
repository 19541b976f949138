namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>The error codes of RST_STREAM and GOAWAY (RFC 9113, 7).</summary>
internal enum Http2ErrorCode : uint
{
    /// <summary>No error: a graceful end.</summary>
    NoError = 0,

    /// <summary>The peer broke the protocol.</summary>
    ProtocolError = 1,

    /// <summary>Something is broken on this side.</summary>
    InternalError = 2,

    /// <summary>The peer broke flow control.</summary>
    FlowControlError = 3,

    /// <summary>Settings were not acknowledged in time.</summary>
    SettingsTimeout = 4,

    /// <summary>A frame came for a stream that is closed.</summary>
    StreamClosed = 5,

    /// <summary>A frame has a size that it must not have.</summary>
    FrameSizeError = 6,

    /// <summary>The stream was refused before anything was done for it.</summary>
    RefusedStream = 7,

    /// <summary>The stream is not needed any more.</summary>
    Cancel = 8,

    /// <summary>The header compression context is lost.</summary>
    CompressionError = 9,

    /// <summary>The connection made by CONNECT was reset.</summary>
    ConnectError = 10,

    /// <summary>The peer causes more load than is accepted.</summary>
    EnhanceYourCalm = 11,

    /// <summary>The transport is not secure enough.</summary>
    InadequateSecurity = 12,

    /// <summary>HTTP/1.1 is required.</summary>
    Http11Required = 13,
}
