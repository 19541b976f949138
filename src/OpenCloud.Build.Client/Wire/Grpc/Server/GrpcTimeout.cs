using System.Globalization;

namespace OpenCloud.Build.Client.Wire.Grpc.Server;

/// <summary>The <c>grpc-timeout</c> header: up to eight digits and a unit (gRPC over HTTP/2, "Timeout").</summary>
internal static class GrpcTimeout
{
    private const int MaxDigits = 8;

    /// <summary>Reads a timeout; null when there is none.</summary>
    internal static TimeSpan? Parse(string? text, out bool isMalformed)
    {
        isMalformed = false;
        if (text is null)
        {
            return null;
        }

        long? ticksPerUnit = text.Length is 0 or > MaxDigits + 1 ? null : text[^1] switch
        {
            'H' => TimeSpan.TicksPerHour,
            'M' => TimeSpan.TicksPerMinute,
            'S' => TimeSpan.TicksPerSecond,
            'm' => TimeSpan.TicksPerMillisecond,
            'u' => TimeSpan.TicksPerMicrosecond,
            'n' => 0,
            _ => null,
        };
        isMalformed = ticksPerUnit is null | !long.TryParse(text.AsSpan(0, Math.Max(text.Length - 1, 0)), NumberStyles.None, CultureInfo.InvariantCulture, out long amount);
        return isMalformed ? null : TimeSpan.FromTicks(ticksPerUnit > 0 ? amount * ticksPerUnit.Value : amount / TimeSpan.NanosecondsPerTick);
    }
}
