namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// When to retry an engine that may still be starting: at once, then after 1, 2, 4, 8 and then 16 s; ten attempts at most.
/// Pure: it uses no clock and no connection.
/// </summary>
internal static class ConnectSchedule
{
    public const int MostAttempts = 10;
    private const int LongestPauseSeconds = 16;

    // The last attempt is made shortly before the timeout, so that it can still succeed within it.
    private static readonly TimeSpan LastAttempt = TimeSpan.FromMilliseconds(200);

    /// <summary>The pause before the next attempt, after at least one failure; null when no attempt remains.</summary>
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
