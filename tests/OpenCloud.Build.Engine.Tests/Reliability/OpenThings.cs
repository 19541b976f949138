using System.Diagnostics;

namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>What this process holds: its open sockets, the threads of its builds, and the processes that it started.</summary>
internal readonly record struct OpenThings(int Sockets, int Threads, int Processes)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    /// <summary>Counts them now.</summary>
    public static OpenThings Count() => new(
        Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(static fd => LinkOf(fd)?.StartsWith("socket:", StringComparison.Ordinal) == true),
        Directory.EnumerateDirectories("/proc/self/task").Count(static t => TextOf(Path.Combine(t, "comm")).StartsWith("OpenCloud.Build", StringComparison.Ordinal)),
        Directory.EnumerateDirectories("/proc/self/task").Sum(static t => TextOf(Path.Combine(t, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Length));

    /// <summary>Waits until there are no more than these, as the threads of a session wait 10 s for the next one before they end.</summary>
    public async Task AreAllAsync(CancellationToken cancellationToken)
    {
        Stopwatch clock = Stopwatch.StartNew();
        OpenThings now;
        while ((now = Count()).Sockets > Sockets || now.Threads > Threads || now.Processes > Processes)
        {
            Assert.True(clock.Elapsed < Patience, $"{now}, before {this}");
            await Task.Delay(200, cancellationToken);
        }
    }

    /// <summary>What a descriptor leads to; null when it is closed by now.</summary>
    public static string? LinkOf(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string TextOf(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }
}
