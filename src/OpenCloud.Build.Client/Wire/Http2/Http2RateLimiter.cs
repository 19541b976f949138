using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>Enforces one <see cref="Http2Rate"/>. Not safe for concurrent use.</summary>
internal sealed class Http2RateLimiter(Http2Rate rate, TimeProvider timeProvider, string what)
{
    private double _left = rate.Burst;
    private long _refilledAt = timeProvider.GetTimestamp();

    /// <summary>Counts one event.</summary>
    /// <exception cref="Http2Exception">ENHANCE_YOUR_CALM: too often.</exception>
    internal void Count()
    {
        if (_left < 1)
        {
            // The clock is read only when the supply has run out.
            long now = timeProvider.GetTimestamp();
            _left = Math.Min(rate.Burst, _left + (timeProvider.GetElapsedTime(_refilledAt, now).TotalSeconds * rate.PerSecond));
            _refilledAt = now;
            if (_left < 1)
            {
                throw new Http2Exception(Http2ErrorCode.EnhanceYourCalm, $"The peer sends too many {what}.");
            }
        }

        _left--;
    }
}
