using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>What an <see cref="Http2Connection"/> reports. The calls come from inside its methods and must not call back into it, save where said.</summary>
internal interface IHttp2ConnectionEvents
{
    /// <summary>To a server: a request began, and <see cref="Http2Connection.Release"/> is due when it is done with. To a client: the response began.</summary>
    public void OnHeaders(Http2Stream stream, HeaderList headers);

    /// <summary>Octets of a request, or of the response, came. <see cref="Http2Connection.Consume"/>, which may be called from here, is due for them.</summary>
    public void OnData(Http2Stream stream, ReadOnlySpan<byte> data);

    /// <summary>A request, or the response, is complete, perhaps with trailers.</summary>
    public void OnEnded(Http2Stream stream, HeaderList? trailers);

    /// <summary>A stream was reset: by the peer, or by us because the peer broke the protocol on it.</summary>
    public void OnReset(Http2Stream stream, Http2ErrorCode errorCode, bool byPeer);

    /// <summary>All that was handed to <see cref="Http2Connection.Write"/> has been taken into the output.</summary>
    public void OnWritten(Http2Stream stream);

    /// <summary>The peer goes away, and serves no stream above the one that it names.</summary>
    public void OnGoAway(int lastStreamId, Http2ErrorCode errorCode);
}
