
namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>A rate limit: a supply that each event uses up and that refills steadily.</summary>
internal readonly record struct Http2Rate(int Burst, double PerSecond);

/// <summary>Windows and limits of an <see cref="Http2Connection"/> and of its driver.</summary>
internal sealed record Http2Options
{
    /// <summary>The most streams that are open or whose handlers still run. Further ones are refused.</summary>
    internal int MaxConcurrentStreams { get; init; } = 128;

    /// <summary>The most bytes of a header list, and of an encoded header block.</summary>
    internal int MaxHeaderListSize { get; init; } = 64 * 1024;

    /// <summary>
    /// The bytes of header lists that all unreleased requests may hold together. A further request is refused before it begins, unless it is
    /// the only one; the peer may retry it.
    /// </summary>
    internal int MaxHeldHeaders { get; init; } = 32 * 1024 * 1024;

    /// <summary>The bytes that a stream's peer may send before the handler has read them.</summary>
    internal int StreamReceiveWindow { get; init; } = 1024 * 1024;

    /// <summary>The bytes that the peer may send on all streams before the handlers have read them. Bounds the memory.</summary>
    internal int ConnectionReceiveWindow { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// The bytes of output that are gathered while an earlier gather is written; beyond that, writers wait. Together with a last frame this
    /// stays within an array of 256 KiB.
    /// </summary>
    internal int MaxGatheredOutput { get; init; } = 224 * 1024;

    /// <summary>The most non-DATA frames that may wait for the transport. More means that the peer keeps sending requests but does not read.</summary>
    internal int MaxPendingControlFrames { get; init; } = 4096;

    /// <summary>Streams that the peer resets, or on which it causes our reset (CVE-2023-44487, CVE-2025-8671).</summary>
    internal Http2Rate Resets { get; init; } = new(200, 20);

    internal Http2Rate Settings { get; init; } = new(100, 10);

    /// <summary>
    /// PING frames without output from us since the last. grpc-go estimates the bandwidth with a PING for every round trip in which
    /// it got data (internal/transport/bdp_estimator.go), so those that follow data are not counted.
    /// </summary>
    internal Http2Rate IdlePings { get; init; } = new(1000, 100);

    /// <summary>DATA and CONTINUATION frames without content.</summary>
    internal Http2Rate EmptyFrames { get; init; } = new(100, 10);

    /// <summary>Frames that are ignored: PRIORITY and unknown types.</summary>
    internal Http2Rate IgnoredFrames { get; init; } = new(1000, 100);

    internal TimeSpan HandlerShutdownTimeout { get; init; } = TimeSpan.FromSeconds(5);

    internal TimeSpan GoAwayTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a server's peer may be silent before each PING; null for never. Only for peers that always answer PING, as grpc-go's client
    /// does; grpc-go's server ends connections with more than one in five minutes.
    /// </summary>
    internal TimeSpan? PingInterval { get; init; }

    /// <summary>The most consecutive PINGs without an answer or any other bytes from the peer.</summary>
    internal int UnansweredPings { get; init; } = 3;

    /// <summary>Runs everything that does not run on a caller's thread.</summary>
    internal WorkQueue Work { get; init; } = WorkQueue.Pool;

    internal TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
