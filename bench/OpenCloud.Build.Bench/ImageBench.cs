using OpenCloud.Build.Bench.Clients;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench;

/// <summary>Measures how images are listed, in a containerd of its own.</summary>
internal static class ImageBench
{
    /// <summary>Measures the case with every client, the clients in turns.</summary>
    public static List<IBenchClient> Measure(
        BenchCase benchCase,
        BenchOptions options,
        string scratch,
        List<string> facts,
        List<string> missing,
        List<double> loads,
        Dictionary<(BenchCase Case, IBenchClient Client), List<Sample>> samples,
        CancellationToken stop)
    {
        using BenchContainerd containerd = new(scratch);
        List<IBenchClient> clients = [Ctr("ctr", "ctr of " + containerd.Title, containerd.Ctr, "images", "ls")];
        if (Programs.Find("nerdctl") is { } nerdctl)
        {
            clients.Add(Ctr("nerdctl", new CommandLine(nerdctl, ["--version"]).CaptureLine(), nerdctl, "images"));
        }
        else
        {
            missing.Add("nerdctl images: not on PATH, and Debian has no package of it");
        }

        clients.AddRange(OwnClients.CreateLists(containerd.Socket, scratch, missing.Add));
        clients.RemoveAll(client => options.Clients.Count > 0 && !options.Clients.Contains(client.Name));
        try
        {
            foreach (IBenchClient client in clients)
            {
                client.Begin(BenchContainerd.One);
                _ = client.Build(BenchContainerd.Many);
            }

            for (int round = 1; round <= options.RoundsFor(ContextKind.Images); round++)
            {
                foreach (IBenchClient? client in clients.Select((_, index) => clients[(index + round) % clients.Count]))
                {
                    stop.ThrowIfCancellationRequested();
                    Machine.Settle();
                    loads.Add(Machine.Load);
                    Sample sample = client.Build(BenchContainerd.Many);
                    if (!samples.TryGetValue((benchCase, client), out List<Sample>? list))
                    {
                        samples[(benchCase, client)] = list = [];
                    }

                    list.Add(sample);
                    Console.Error.WriteLine(
                        $"{benchCase.Name,-18} {client.Name,-12} #{round}  wall {sample.Wall.TotalSeconds,7:0.000} s  cpu {sample.Cpu.TotalSeconds,7:0.000} s  peak {sample.PeakBytes / 1048576.0,6:0.0} MiB");
                }
            }
        }
        finally
        {
            foreach (IBenchClient client in clients)
            {
                client.Dispose();
            }
        }

        facts.Add($"images: {BenchContainerd.Count:N0} of them, each with a manifest and a configuration of its own, in {containerd.Title}");
        return clients;

        IBenchClient Ctr(string name, string title, string program, params string[] words) => new ProcessClient(
            name, title, isPeer: true, scratch, space => new CommandLine(program, ["--address", containerd.Socket, "--namespace", space, .. words]));
    }
}
