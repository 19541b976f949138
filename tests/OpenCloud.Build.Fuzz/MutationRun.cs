using System.Diagnostics;

namespace OpenCloud.Build.Fuzz;

/// <summary>Runs one target on its corpus and on mutations of it, and keeps what it finds.</summary>
internal sealed class MutationRun
{
    // Nothing of these sizes may take as long, or as much memory: a bomb.
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(5);
    private const long MostAllocated = 256L << 20;

    private const int MostFindings = 20;
    private const int MostInputs = 4096;

    // The time of the processor is the whole process's: while it is measured, no other target runs.
    private static readonly ReaderWriterLockSlim Measured = new();

    private readonly string _name;
    private readonly Action<byte[]> _target;
    private readonly string _findings;
    private readonly Mutator _mutator;
    private readonly List<byte[]> _inputs;
    private readonly int _kept;
    private readonly HashSet<string> _found = [];

    public MutationRun(string name, Action<byte[]> target, int seed, string findings)
    {
        _name = name;
        _target = target;
        _findings = findings;
        _mutator = new Mutator((ulong)seed);
        string directory = Path.Combine(AppContext.BaseDirectory, "Corpus", name);
        _inputs = Directory.Exists(directory) ? [.. Directory.GetFiles(directory).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)] : [];
        _inputs.Add([]);
        _kept = _inputs.Count;
    }

    public long Executions { get; private set; }

    public int Findings { get; private set; }

    public TimeSpan Slowest { get; private set; }

    public long MostBytes { get; private set; }

    /// <summary>Runs the corpus.</summary>
    public void RunCorpus() => _inputs.ForEach(Execute);

    /// <summary>Runs mutations for a time.</summary>
    public void Run(TimeSpan time, CancellationToken stop)
    {
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        while (Stopwatch.GetTimestamp() < end && Findings < MostFindings && !stop.IsCancellationRequested)
        {
            byte[] input = _mutator.Mutate(_inputs);
            Execute(input);

            // What has been tried is a start for more, in the place of an older one that was made here.
            if (_mutator.Next(64) == 0)
            {
                if (_inputs.Count < MostInputs)
                {
                    _inputs.Add(input);
                }
                else
                {
                    _inputs[_kept + _mutator.Next(MostInputs - _kept)] = input;
                }
            }
        }
    }

    private void Execute(byte[] input)
    {
        Executions++;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long begin = Stopwatch.GetTimestamp();
        string? finding = null;
        Measured.EnterReadLock();
        try
        {
            _target(input);
        }
        catch (Exception e)
        {
            finding = e.ToString();
        }
        finally
        {
            Measured.ExitReadLock();
        }

        TimeSpan took = Stopwatch.GetElapsedTime(begin);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Slowest = took > Slowest ? took : Slowest;
        MostBytes = Math.Max(MostBytes, allocated);
        finding ??= took > MostTime && CpuTimeOf(input) is var own && own > MostTime ? $"it took {own}" : allocated > MostAllocated ? $"it allocated {allocated >> 20} MiB" : null;
        if (finding is not null)
        {
            Keep(input, finding);
        }
    }

    // A machine that is busy takes its time, too: once more, by the processor.
    private TimeSpan CpuTimeOf(byte[] input)
    {
        Measured.EnterWriteLock();
        TimeSpan before = Environment.CpuUsage.TotalTime;
        try
        {
            _target(input);
        }
        catch (Exception)
        {
            // What it threw is a finding of its own.
        }

        TimeSpan took = Environment.CpuUsage.TotalTime - before;
        Measured.ExitWriteLock();
        return took;
    }

    private void Keep(byte[] input, string finding)
    {
        // One file for each place that something comes from, whatever the words.
        string place = string.Concat(finding.Split('\n').Where(static line => line.StartsWith("   at ", StringComparison.Ordinal)).Take(2).DefaultIfEmpty(finding));
        string path = Path.GetFullPath($"finding-{_name}-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input).AsSpan(0, 6))}", Path.GetFullPath(_findings));
        if (_found.Add(place))
        {
            Findings++;
            File.WriteAllBytes(path, input);
            Console.Error.WriteLine($"{_name}: {path}\n{finding}");
        }
    }
}
