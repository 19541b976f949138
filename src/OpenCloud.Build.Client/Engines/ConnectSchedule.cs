namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// When an engine that may still be starting is tried again: at once, then after 1, 2, 4, 8 and then 16 s; ten attempts at most.
/// Pure: it knows neither a clock nor a connection.
/// </summary>
internal static class ConnectSchedule
{
    public const int MostAttempts = 10;
    private const int LongestPauseSeconds = 16;

    // The last attempt is made shortly before the time is over, so that it can still succeed within it.
    private static readonly TimeSpan LastAttempt = TimeSpan.FromMilliseconds(200);

    /// <summary>The pause before the next attempt, or null when there is to be none.</summary>
    /// <param name="failed">How many attempts have failed; at least 1.</param>
    /// <param name="elapsed">The time since the first began.</param>
    /// <param name="timeout">The time for all of them.</param>
    public static TimeSpan? Next(int failed, TimeSpan elapsed, TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(failed, 1);
        if (failed >= MostAttempts || elapsed >= timeout)
        {
            return null;
        }

        TimeSpan pause = failed == 1 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(LongestPauseSeconds, 1 << Math.Min(failed - 2, 4)));
        if (elapsed + pause < timeout)
        {
            return pause;
        }

        TimeSpan last = timeout - elapsed - LastAttempt;
        return last > TimeSpan.Zero ? last : null;
    }
}
