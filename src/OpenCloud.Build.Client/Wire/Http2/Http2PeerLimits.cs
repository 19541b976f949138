using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>How often the peer may do what costs us more than it, where more than one part of the connection keeps the count.</summary>
internal sealed class Http2PeerLimits(Http2Options options)
{
    /// <summary>Streams that are reset, or broken so that we reset them.</summary>
    internal Http2RateLimiter Resets { get; } = new(options.Resets, options.TimeProvider, "streams only to reset or break them");

    /// <summary>Frames that are ignored.</summary>
    internal Http2RateLimiter IgnoredFrames { get; } = new(options.IgnoredFrames, options.TimeProvider, "frames that mean nothing");

    /// <summary>The peer broke the protocol on one stream only.</summary>
    internal void Break(Http2Connection connection, Http2Stream stream, Http2ErrorCode errorCode)
    {
        Resets.Count();
        connection.Reset(stream, errorCode);
        connection.Events.OnReset(stream, errorCode, byPeer: false);
    }
}
