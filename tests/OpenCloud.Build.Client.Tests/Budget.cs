using Xunit;

namespace OpenCloud.Build.Client.Tests;

/// <summary>Holds work on hostile input to bounds. CPU time of this thread, so that a busy machine does not count.</summary>
internal static class Budget
{
    // A core shared with another thread of its processor counts up to twice the time: the bound is for the quickest of a few runs.
    private const int Runs = 3;

    public static void Hold(string what, TimeSpan most, long bytes, Action work)
    {
        TimeSpan took = TimeSpan.MaxValue;
        for (int run = 0; run < Runs && took > most; run++)
        {
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            TimeSpan before = ThreadTime();
            work();
            TimeSpan now = ThreadTime() - before;
            took = now < took ? now : took;
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            Assert.True(allocated <= bytes, $"{what}: {allocated >> 20} MiB, at most {bytes >> 20}");
        }

        Assert.True(took <= most, $"{what}: {took.TotalSeconds:f2} s of CPU in the quickest of {Runs} runs, at most {most.TotalSeconds:f2}");
    }

    // The kernel's own count for the thread: user and system ticks (proc_pid_stat(5), fields 14 and 15), a hundred to the second.
    private static TimeSpan ThreadTime()
    {
        string stat = File.ReadAllText("/proc/thread-self/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromMilliseconds(10 * (long.Parse(fields[11], null) + long.Parse(fields[12], null)));
    }
}
