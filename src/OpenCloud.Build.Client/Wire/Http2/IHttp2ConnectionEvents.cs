using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>The events of an <see cref="Http2Connection"/>, raised inside its methods. Handlers must not call back into it, except where stated.</summary>
internal interface IHttp2ConnectionEvents
{
    /// <summary>Server: a request began; call <see cref="Http2Connection.Release"/> when it is complete. Client: the response began.</summary>
    public void OnHeaders(Http2Stream stream, HeaderList headers);

    /// <summary>Content arrived. The handler must call <see cref="Http2Connection.Consume"/> for it, here or later.</summary>
    public void OnData(Http2Stream stream, ReadOnlySpan<byte> data);

    /// <summary>The peer's side of the stream is complete, perhaps with trailers.</summary>
    public void OnEnded(Http2Stream stream, HeaderList? trailers);

    /// <summary>A stream was reset: by the peer, or by us because the peer broke the protocol on it.</summary>
    public void OnReset(Http2Stream stream, Http2ErrorCode errorCode, bool byPeer);

    /// <summary>All bytes passed to <see cref="Http2Connection.Write"/> are in the output.</summary>
    public void OnWritten(Http2Stream stream);

    /// <summary>The peer sent GOAWAY and serves no stream above the one that it names.</summary>
    public void OnGoAway(int lastStreamId, Http2ErrorCode errorCode);
}
