using Xunit;

namespace OpenCloud.Build.Client.Tests;

/// <summary>Holds work on hostile input to bounds. CPU time of this thread, so that a busy machine does not count.</summary>
internal static class Budget
{
    public static void Hold(string what, TimeSpan most, long bytes, Action work)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan before = ThreadTime();
        work();
        TimeSpan took = ThreadTime() - before;
        long took2 = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Assert.True(took <= most, $"{what}: {took.TotalSeconds:f2} s of CPU, at most {most.TotalSeconds:f2}");
        Assert.True(took2 <= bytes, $"{what}: {took2 >> 20} MiB, at most {bytes >> 20}");
    }

    // The kernel's own count for the thread: user and system ticks (proc_pid_stat(5), fields 14 and 15), a hundred to the second.
    private static TimeSpan ThreadTime()
    {
        string stat = File.ReadAllText("/proc/thread-self/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromMilliseconds(10 * (long.Parse(fields[11], null) + long.Parse(fields[12], null)));
    }
}
