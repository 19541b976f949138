using Google.Protobuf.WellKnownTypes;

namespace OpenCloud.Build.Client.Wire;

/// <summary>Converts engines' times. Protocol buffers' range exceeds .NET's; a time out of range becomes null, not an exception.</summary>
internal static class EngineTime
{
    private const long FirstSecond = -62_135_596_800;
    private const long LastSecond = 253_402_300_799;
    private const int NanosecondsPerSecond = 1_000_000_000;

    public static DateTimeOffset? ToTime(this Timestamp? timestamp) =>
        timestamp is { Seconds: >= FirstSecond and <= LastSecond, Nanos: >= 0 and < NanosecondsPerSecond }
            ? DateTimeOffset.FromUnixTimeSeconds(timestamp.Seconds).AddTicks(timestamp.Nanos / TimeSpan.NanosecondsPerTick)
            : null;
}
