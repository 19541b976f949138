namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>The error codes of RST_STREAM and GOAWAY (RFC 9113, 7).</summary>
internal enum Http2ErrorCode : uint
{
    NoError = 0,

    ProtocolError = 1,

    InternalError = 2,

    FlowControlError = 3,

    SettingsTimeout = 4,

    StreamClosed = 5,

    FrameSizeError = 6,

    /// <summary>The stream was refused before anything was done for it.</summary>
    RefusedStream = 7,

    Cancel = 8,

    CompressionError = 9,

    /// <summary>The connection made by CONNECT was reset.</summary>
    ConnectError = 10,

    /// <summary>The peer causes more load than is accepted.</summary>
    EnhanceYourCalm = 11,

    InadequateSecurity = 12,

    Http11Required = 13,
}
