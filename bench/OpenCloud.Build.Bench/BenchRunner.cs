using OpenCloud.Build.Bench.Clients;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench;

/// <summary>Measures every case with every client, the clients in turns.</summary>
internal sealed class BenchRunner(IReadOnlyList<IBenchClient> clients, EngineCache cache, string scratch, TextWriter progress, CancellationToken stop)
{
    /// <summary>The load averages of the last minute, as they were before each build.</summary>
    public List<double> Loads { get; } = [];

    /// <summary>Measures the cases of one context.</summary>
    /// <returns>For each case and client, its samples in order.</returns>
    /// <remarks>
    /// A round of a client is: empty the engine's cache, build (cold), build again (nothing changed), change a file, build. So the
    /// engine holds one client's copies at a time, and each client meets the same engine. The tiny context is never cold.
    /// </remarks>
    public Dictionary<(BenchCase Case, IBenchClient Client), List<Sample>> Measure(
        ContextKind kind, IReadOnlyList<BenchCase> cases, int rounds)
    {
        Dictionary<(BenchCase, IBenchClient), List<Sample>> samples = new();
        ContextFolder tiny = new(Path.Join(scratch, "warm-up"), kind == ContextKind.Graph ? ContextKind.TinyGraph : ContextKind.Tiny);
        List<IBenchClient> builders = [.. clients.Where(client => kind != ContextKind.Graph || client.BuildsGraphs)];
        ContextFolder context = kind == ContextKind.Tiny ? tiny : new ContextFolder(Path.Join(scratch, kind.ToString()), kind);
        try
        {
            foreach (IBenchClient client in builders)
            {
                client.Begin(tiny.Path);
            }

            for (int round = 1; round <= rounds; round++)
            {
                // Whoever is first in a round meets the machine as the last round left it: not always the same one.
                foreach (IBenchClient client in Rotate(builders, round))
                {
                    Round(client, context, kind, cases, round, samples);
                }
            }
        }
        finally
        {
            foreach (IBenchClient client in builders)
            {
                client.Dispose();
            }

            tiny.Delete();
            if (context != tiny)
            {
                context.Delete();
            }
        }

        return samples;
    }

    /// <summary>Prepares a context as a case needs it, for a build by hand.</summary>
    public ContextFolder Prepare(ContextKind kind)
    {
        cache.Empty();
        return new ContextFolder(Path.Join(scratch, kind.ToString()), kind);
    }

    private static IEnumerable<IBenchClient> Rotate(List<IBenchClient> builders, int by) => builders.Select((_, index) => builders[(index + by) % builders.Count]);

    private void Round(
        IBenchClient client,
        ContextFolder context,
        ContextKind kind,
        IReadOnlyList<BenchCase> cases,
        int round,
        Dictionary<(BenchCase, IBenchClient), List<Sample>> samples)
    {
        if (kind != ContextKind.Tiny)
        {
            cache.Empty();
            Step(ContextState.Cold);
        }

        if (kind == ContextKind.Tiny || cases.Any(static candidate => candidate.State != ContextState.Cold))
        {
            Step(ContextState.Warm);
        }

        if (cases.Any(candidate => candidate.State == ContextState.OneChanged))
        {
            context.ChangeOne();
            Step(ContextState.OneChanged);
        }

        void Step(ContextState state)
        {
            stop.ThrowIfCancellationRequested();
            Machine.Settle();
            Loads.Add(Machine.Load);
            Sample sample = client.Build(context.Path);
            if (state == ContextState.Cold && cache.Bytes() is var held && held < context.Bytes)
            {
                throw new BenchException(
                    $"{client.Title} built {kind} of {context.Bytes} bytes, but the engine holds {held} bytes: it cannot have had the context.");
            }

            if (cases.FirstOrDefault(candidate => candidate.State == state) is { } measured)
            {
                if (!samples.TryGetValue((measured, client), out List<Sample>? list))
                {
                    samples[(measured, client)] = list = [];
                }

                list.Add(sample);
                progress.WriteLine(
                    $"{measured.Name,-18} {client.Name,-12} {client.Way,-9} #{round}  wall {sample.Wall.TotalSeconds,7:0.000} s  " +
                    $"cpu {sample.Cpu.TotalSeconds,7:0.000} s  peak {sample.PeakBytes / 1048576.0,6:0.0} MiB  " +
                    $"added {sample.AddedBytes / 1048576.0,6:0.0} MiB  load {Loads[^1]:0.0}");
            }
        }
    }
}
