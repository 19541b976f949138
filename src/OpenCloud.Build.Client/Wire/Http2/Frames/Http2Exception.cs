namespace OpenCloud.Build.Client.Wire.Http2.Frames;

internal sealed class Http2Exception : IOException
{
    internal Http2Exception(Http2ErrorCode errorCode, string message)
        : base($"{message} (HTTP/2 error {errorCode})")
    {
        ErrorCode = errorCode;
    }

    /// <summary>The HTTP/2 error code: sent to the peer, or received from it.</summary>
    internal Http2ErrorCode ErrorCode { get; }
}
