using System.Globalization;
using System.Runtime.InteropServices;

namespace OpenCloud.Build.Bench.Measuring;

/// <summary>What the figures were measured on, and how busy it was.</summary>
internal static class Machine
{
    private static readonly TimeSpan SettleStep = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(3);

    /// <summary>The load average of the last minute.</summary>
    public static double Load =>
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>Cores, memory, kernel and runtime, in a line.</summary>
    public static string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"{System.Environment.ProcessorCount} cores ({ProcessorName()}), {TotalBytes() / (1 << 30)} GiB of memory, " +
        $"Linux {KernelVersion()}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.ProcessArchitecture}");

    /// <summary>
    /// Waits until the machine does nothing, as the last build's cleaning up in the daemon would be charged to the next, but for
    /// three seconds at most: on a shared machine it may never be.
    /// </summary>
    public static void Settle()
    {
        DateTime limit = DateTime.UtcNow + SettleLimit;
        (long busy, long total) = ReadTicks();
        do
        {
            Thread.Sleep(SettleStep);
            (long busyNow, long totalNow) = ReadTicks();
            if ((busyNow - busy) * 10 <= totalNow - total)
            {
                return;
            }

            (busy, total) = (busyNow, totalNow);
        }
        while (DateTime.UtcNow < limit);
    }

    private static (long Busy, long Total) ReadTicks()
    {
        // "cpu  user nice system idle iowait irq softirq steal guest guest_nice" (proc_stat(5)); guests count in user, too.
        long[] fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8)
            .Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToArray();
        return (fields.Sum() - fields[3] - fields[4], fields.Sum());
    }

    private static string ProcessorName() => File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown";

    private static string KernelVersion() => string.Join('.', File.ReadAllText("/proc/sys/kernel/osrelease").Split('.', '-').Take(2));

    private static long TotalBytes() => 1024 * long.Parse(
        File.ReadLines("/proc/meminfo").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
