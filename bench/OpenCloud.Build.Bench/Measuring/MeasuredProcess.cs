using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace OpenCloud.Build.Bench.Measuring;

/// <summary>Runs a command to its end and says what it cost, by the kernel's own account.</summary>
/// <remarks>
/// <para>
/// The kernel counts the memory that a process has had before <c>execve</c> towards its largest resident set: a child forked
/// straight from this process would be charged with this process's memory. So a small shell forks it, gives its pid and
/// ends; this process, as subreaper, inherits the child and collects it with <c>wait4</c>, whose account covers the child and all
/// that it has waited for itself.
/// </para>
/// <para>The child waits for a line before it runs the command, so that the shell's start is no part of the time.</para>
/// </remarks>
internal static class MeasuredProcess
{
    private const string Gate =
        """exec 3<&0; (read -r _ <&3; exec 3<&-; exec "$@") </dev/null >"$BENCH_OUTPUT" 2>&1 & echo $!""";

    /// <summary>How long a build may take; whoever takes longer hangs and is ended.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan OrphanLimit = TimeSpan.FromSeconds(15);

    static MeasuredProcess()
    {
        if (NativeMethods.SetProcessControl(NativeMethods.PrSetChildSubreaper, 1, 0, 0, 0) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Runs the command; standard output and error go to <paramref name="outputFile"/>.</summary>
    /// <exception cref="BenchException">The command did not end with 0; the message has the end of its output.</exception>
    public static Sample Run(CommandLine command, string outputFile)
    {
        ProcessStartInfo start = command.ToStartInfo("/bin/sh", ["-c", Gate, "sh", command.Program, .. command.Arguments]);
        start.Environment["BENCH_OUTPUT"] = outputFile;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        using Process shell = Process.Start(start) ?? throw new BenchException("/bin/sh did not start.");
        HashSet<int> others = ChildrenOfThis();
        int pid = int.Parse(shell.StandardOutput.ReadLine() ?? "", CultureInfo.InvariantCulture);
        shell.WaitForExit();

        long started = Stopwatch.GetTimestamp();
        shell.StandardInput.Write('\n');
        shell.StandardInput.Flush();
        using Timer limit = new(_ => NativeMethods.Kill(pid, NativeMethods.SigKill), null, Limit, Timeout.InfiniteTimeSpan);
        int status;
        NativeMethods.ResourceUsage usage;
        while (NativeMethods.Wait4(pid, out status, 0, out usage) != pid)
        {
            if (Marshal.GetLastPInvokeError() != NativeMethods.Eintr)
            {
                throw new Win32Exception(Marshal.GetLastPInvokeError());
            }
        }

        TimeSpan wall = Stopwatch.GetElapsedTime(started);
        if (status != 0)
        {
            string how = (status & 0x7f) == 0 ? $"ended with {(status >> 8) & 0xff}" : $"was ended by signal {status & 0x7f} after {wall.TotalSeconds:0} s";
            throw new BenchException($"'{command}' {how}:\n{Tail(outputFile)}");
        }

        others.Add(pid);
        return new Sample(wall, usage.Cpu + CollectOrphans(others), usage.MaxResidentKilobytes * 1024);
    }

    // The programs that carried a connection, such as ssh, may end after the client that started them. Their account is the client's, too.
    private static TimeSpan CollectOrphans(HashSet<int> others)
    {
        TimeSpan cpu = TimeSpan.Zero;
        long started = Stopwatch.GetTimestamp();
        foreach (int orphan in ChildrenOfThis().Except(others))
        {
            NativeMethods.ResourceUsage usage;
            while (NativeMethods.Wait4(orphan, out _, NativeMethods.NoHang, out usage) == 0)
            {
                if (Stopwatch.GetElapsedTime(started) > OrphanLimit)
                {
                    _ = NativeMethods.Kill(orphan, NativeMethods.SigKill);
                    throw new BenchException($"The process {orphan}, which a client started, runs {OrphanLimit.TotalSeconds:0} s after the client's end.");
                }

                Thread.Sleep(10);
            }

            cpu += usage.Cpu;
        }

        return cpu;
    }

    private static HashSet<int> ChildrenOfThis() => [.. Directory.EnumerateDirectories("/proc/self/task")
        .SelectMany(static task => File.ReadAllText(Path.Join(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Select(static id => int.Parse(id, CultureInfo.InvariantCulture))];

    private static string Tail(string file) => string.Join('\n', File.ReadLines(file).TakeLast(20));
}
