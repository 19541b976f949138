namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>A connection or a stream of HTTP/2 broke.</summary>
internal sealed class Http2Exception : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="errorCode">The error as HTTP/2 names it.</param>
    /// <param name="message">What happened.</param>
    internal Http2Exception(Http2ErrorCode errorCode, string message)
        : base($"{message} (HTTP/2 error {errorCode})")
    {
        ErrorCode = errorCode;
    }

    /// <summary>The error as HTTP/2 names it: sent to the peer, or received from it.</summary>
    internal Http2ErrorCode ErrorCode { get; }
}
