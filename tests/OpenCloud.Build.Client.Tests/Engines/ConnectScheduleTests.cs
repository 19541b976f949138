using OpenCloud.Build.Client.Engines;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines;

public sealed class ConnectScheduleTests
{
    [Fact]
    public void Waits_nothing_then_1_2_4_8_16_and_makes_ten_attempts()
    {
        Assert.Equal([0, 1, 2, 4, 8, 16, 16, 16, 16], Pauses(TimeSpan.FromHours(1)));
    }

    [Fact]
    public void Makes_its_last_attempt_shortly_before_the_time_is_over()
    {
        Assert.Equal([0, 1, 2, 1.8], Pauses(TimeSpan.FromSeconds(5)));
        Assert.Equal([0], Pauses(TimeSpan.FromMilliseconds(100)));
        Assert.Equal([], Pauses(TimeSpan.Zero));
    }

    [Fact]
    public void Never_exceeds_the_timeout()
    {
        for (double seconds = 0; seconds < 100; seconds += 0.37)
        {
            double[] pauses = Pauses(TimeSpan.FromSeconds(seconds));
            Assert.True(pauses.Sum() <= seconds);
            Assert.True(pauses.Length < ConnectSchedule.MostAttempts);
        }
    }

    private static double[] Pauses(TimeSpan timeout)
    {
        List<double> pauses = [];
        TimeSpan elapsed = TimeSpan.Zero;
        while (ConnectSchedule.Next(pauses.Count + 1, elapsed, timeout) is { } pause)
        {
            pauses.Add(pause.TotalSeconds);
            elapsed += pause;
        }

        return [.. pauses];
    }
}
