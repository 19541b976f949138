using System.Globalization;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>What a single call may have of its own.</summary>
internal sealed record GrpcCallOptions
{
    public static GrpcCallOptions Default { get; } = new();

    /// <summary>The time for the whole call; told to the server and enforced here. Null: no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Headers of the call.</summary>
    public GrpcMetadata? Metadata { get; init; }

    /// <summary>A <c>grpc-timeout</c> value: at most eight digits and a unit, rounded up (gRPC's HTTP/2 mapping, Timeout).</summary>
    internal static string FormatTimeout(TimeSpan timeout)
    {
        const long Most = 99_999_999;
        long ticks = Math.Max(timeout.Ticks, 1);
        (long PerUnit, char Unit)[] units =
        [
            (TimeSpan.TicksPerMicrosecond, 'u'),
            (TimeSpan.TicksPerMillisecond, 'm'),
            (TimeSpan.TicksPerSecond, 'S'),
            (TimeSpan.TicksPerMinute, 'M'),
        ];
        foreach ((long perUnit, char unit) in units)
        {
            long count = ((ticks - 1) / perUnit) + 1;
            if (count <= Most)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
            }
        }
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Min(((ticks - 1) / TimeSpan.TicksPerHour) + 1, Most)}H");
    }
}
