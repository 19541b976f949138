using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>Limits on what costs us more than the peer, for events that several parts of the connection count.</summary>
internal sealed class Http2PeerLimits(Http2Options options)
{
    internal Http2RateLimiter Resets { get; } = new(options.Resets, options.TimeProvider, "streams only to reset or break them");

    internal Http2RateLimiter IgnoredFrames { get; } = new(options.IgnoredFrames, options.TimeProvider, "frames that mean nothing");

    /// <summary>Resets a stream on which the peer broke the protocol, and counts it.</summary>
    internal void Break(Http2ConnectionState state, Http2Stream stream, Http2ErrorCode errorCode)
    {
        Resets.Count();
        state.Reset(stream, errorCode);
        state.Events.OnReset(stream, errorCode, byPeer: false);
    }
}
