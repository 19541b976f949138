using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using OpenCloud.Build.Fuzz;

// fuzz [TARGET…] [-minutes N] [-seed N] [-findings FOLDER]   the corpus, then mutations of it for so long, shared among the targets
// fuzz TARGET -afl                                           one target under AFL, by SharpFuzz (the assemblies instrumented beforehand)
List<string> names = [];
double minutes = 0;
int seed = Environment.TickCount;
string findings = ".";
bool afl = false;
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "-minutes":
            minutes = double.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "-seed":
            seed = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "-findings":
            findings = args[++i];
            break;
        case "-afl":
            afl = true;
            break;
        default:
            names.Add(args[i]);
            break;
    }
}

Dictionary<string, Action<byte[]>> targets = Targets.All.Where(t => names.Count == 0 || names.Contains(t.Key)).ToDictionary(StringComparer.Ordinal);
if (targets.Count == 0 || (afl && targets.Count != 1))
{
    Console.Error.WriteLine($"The targets are {string.Join(", ", Targets.All.Keys)}.");
    return 2;
}

if (afl)
{
    Action<byte[]> target = targets.Values.Single();
    SharpFuzz.Fuzzer.OutOfProcess.Run(stream =>
    {
        using MemoryStream content = new();
        stream.CopyTo(content);
        target(content.ToArray());
    });
    return 0;
}

using CancellationTokenSource stop = new();
using PosixSignalRegistration interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
Dictionary<string, MutationRun> runs = targets.ToDictionary(static t => t.Key, t => new MutationRun(t.Key, t.Value, seed, findings), StringComparer.Ordinal);
foreach (MutationRun run in runs.Values)
{
    run.RunCorpus();
}

// In turns, so that a run that is stopped has tried each for as long; as many targets side by side as there are processors.
TimeSpan time = TimeSpan.FromMinutes(minutes);
int workers = Math.Min(Environment.ProcessorCount, runs.Count);
TimeSpan turn = TimeSpan.FromSeconds(Math.Min(10, time.TotalSeconds * workers / runs.Count));
Stopwatch clock = Stopwatch.StartNew();
ConcurrentQueue<MutationRun> turns = new(runs.Values);
Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, _ =>
{
    while (clock.Elapsed < time && !stop.IsCancellationRequested && turns.TryDequeue(out MutationRun? run))
    {
        TimeSpan left = time - clock.Elapsed;
        run.Run(left < turn ? left : turn, stop.Token);
        turns.Enqueue(run);
    }
});

foreach ((string name, MutationRun run) in runs)
{
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name}: {run.Executions} executions, {run.Findings} findings, slowest {run.Slowest.TotalMilliseconds:0} ms, most allocated {run.MostBytes >> 10} KiB, seed {seed}"));
}

Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{runs.Values.Sum(static r => r.Executions)} executions in {clock.Elapsed.TotalSeconds:0} s, peak of memory {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB"));
Directory.Delete(Targets.Scratch, recursive: true);
return runs.Values.Any(static r => r.Findings > 0) ? 1 : 0;

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
