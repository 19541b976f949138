using System.Diagnostics;
using System.Globalization;
using OpenCloud.Build.Fuzz;

// fuzz [TARGET…] [-minutes N] [-seed N]   the corpus, then mutations of it for so long, shared among the targets
// fuzz TARGET -afl                        one target under AFL, by SharpFuzz (the assemblies instrumented beforehand)
List<string> names = [];
double minutes = 0;
int seed = Environment.TickCount;
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

bool isSound = true;
foreach ((string name, Action<byte[]> target) in targets)
{
    MutationRun run = new(name, target, seed);
    isSound &= run.Run(TimeSpan.FromMinutes(minutes / targets.Count));
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {run.Executions} executions, {run.Findings} findings, slowest {run.Slowest.TotalMilliseconds:0} ms, seed {seed}"));
}

Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak of memory {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB"));
return isSound ? 0 : 1;
