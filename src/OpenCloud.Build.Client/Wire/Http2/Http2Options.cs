using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>How often something may happen: a supply that is used up by each time and refills steadily.</summary>
/// <param name="Burst">How many times at once.</param>
/// <param name="PerSecond">How many more with each second.</param>
internal readonly record struct Http2Rate(int Burst, double PerSecond);

/// <summary>Windows and limits of an <see cref="Http2Connection"/> and of what drives it.</summary>
internal sealed record Http2Options
{
    /// <summary>The streams that may be open, or whose handlers still run, at a time. Further ones are refused.</summary>
    internal int MaxConcurrentStreams { get; init; } = 128;

    /// <summary>The most octets of a header list, and of a header block as it is sent.</summary>
    internal int MaxHeaderListSize { get; init; } = 64 * 1024;

    /// <summary>
    /// The octets of header lists that requests may hold together, from their start until they are released. A request beyond it is
    /// refused before it begins, which the peer may repeat, unless it is the only one.
    /// </summary>
    internal int MaxHeldHeaders { get; init; } = 32 * 1024 * 1024;

    /// <summary>The octets that a stream's peer may send before the handler has read them.</summary>
    internal int StreamReceiveWindow { get; init; } = 1024 * 1024;

    /// <summary>The octets that the peer may send on all streams before the handlers have read them: bounds the memory.</summary>
    internal int ConnectionReceiveWindow { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// The octets of output that are gathered while an earlier gather is written; then writers wait. Together with a last frame this
    /// stays within an array of 256 KiB.
    /// </summary>
    internal int MaxGatheredOutput { get; init; } = 224 * 1024;

    /// <summary>The frames other than DATA that may wait for the transport. More means that the peer does not read, but asks on.</summary>
    internal int MaxPendingControlFrames { get; init; } = 4096;

    /// <summary>Streams that the peer resets, or breaks so that we reset them (CVE-2023-44487, CVE-2025-8671).</summary>
    internal Http2Rate Resets { get; init; } = new(200, 20);

    /// <summary>SETTINGS frames.</summary>
    internal Http2Rate Settings { get; init; } = new(100, 10);

    /// <summary>
    /// PING frames without any output of ours since the last. grpc-go estimates the bandwidth with a PING for every round trip in which
    /// it got data (internal/transport/bdp_estimator.go), so those that follow data are not counted.
    /// </summary>
    internal Http2Rate IdlePings { get; init; } = new(1000, 100);

    /// <summary>DATA and CONTINUATION frames that carry nothing.</summary>
    internal Http2Rate EmptyFrames { get; init; } = new(100, 10);

    /// <summary>Frames that are ignored: PRIORITY and unknown types.</summary>
    internal Http2Rate IgnoredFrames { get; init; } = new(1000, 100);

    /// <summary>How long handlers get to end once their connection is gone.</summary>
    internal TimeSpan HandlerShutdownTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the last output, GOAWAY, may take.</summary>
    internal TimeSpan GoAwayTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a server's peer may send nothing before it is sent a PING, and then another after each such time; null for never. For
    /// peers that answer PING whatever else they do, as grpc-go's client does; its server ends connections with more than one in five minutes.
    /// </summary>
    internal TimeSpan? PingInterval { get; init; }

    /// <summary>How many PINGs in a row may be without an answer, and without anything else from the peer.</summary>
    internal int UnansweredPings { get; init; } = 3;

    /// <summary>Where everything runs that is not run by a caller.</summary>
    internal WorkQueue Work { get; init; } = WorkQueue.Pool;

    /// <summary>The clock of the limits.</summary>
    internal TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
