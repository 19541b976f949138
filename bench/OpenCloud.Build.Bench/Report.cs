using System.Globalization;
using System.Text;
using OpenCloud.Build.Bench.Clients;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench;

/// <summary>The results as Markdown.</summary>
internal sealed class Report(IReadOnlyDictionary<(BenchCase Case, IBenchClient Client), List<Sample>> samples, IReadOnlyList<IBenchClient> clients)
{
    private const double CpuTarget = 0.6;
    private const double AddedTargetMebibytes = 64;
    private const double Mebibyte = 1 << 20;

    /// <summary>Writes it.</summary>
    /// <param name="facts">What was measured on what, one point a line.</param>
    public string Write(IReadOnlyList<string> facts)
    {
        StringBuilder text = new("# Results\n\nWritten by the bench; how it measures is in [README.md](README.md).\n\n");
        foreach (string fact in facts)
        {
            text.Append(CultureInfo.InvariantCulture, $"- {fact}\n");
        }

        foreach (BenchCase? benchCase in BenchCase.All.Where(candidate => samples.Keys.Any(key => key.Case == candidate)))
        {
            WriteCase(text, benchCase);
        }

        WriteTargets(text);
        return text.ToString();
    }

    private void WriteCase(StringBuilder text, BenchCase benchCase)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n## {Capitalised(benchCase.Title)}\n\n");
        bool hasPeer = Reference(benchCase) is not null;
        text.Append("| client | n | wall (min–max) | client CPU (min–max) | peak memory | added |");
        text.Append(!hasPeer ? "\n| --- | --- | --- | --- | --- | --- |\n" : " wall × | CPU × | peak × |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
        foreach (IBenchClient? client in clients.Where(client => samples.ContainsKey((benchCase, client))))
        {
            List<Sample> own = samples[(benchCase, client)];
            text.Append(CultureInfo.InvariantCulture, $"| {client.Title} | {own.Count} ");
            text.Append(CultureInfo.InvariantCulture, $"| {Seconds(own, sample => sample.Wall)} | {Seconds(own, sample => sample.Cpu)} ");
            text.Append(CultureInfo.InvariantCulture, $"| {Peak(own) / Mebibyte:0} MiB | {Added(own):0} MiB |");
            if (Reference(benchCase, client.Way) is { } peer)
            {
                List<Sample> reference = samples[(benchCase, peer)];
                text.Append(CultureInfo.InvariantCulture, $" {Wall(own) / Wall(reference):0.00} | {Cpu(own) / Cpu(reference):0.00} |");
                text.Append(CultureInfo.InvariantCulture, $" {(double)Peak(own) / Peak(reference):0.00} |");
            }
            else if (hasPeer)
            {
                text.Append(" – | – | – |");
            }

            text.Append('\n');
        }
    }

    private void WriteTargets(StringBuilder text)
    {
        // Of other ways to the engine, and of the listing of images, nothing was laid down beforehand.
        List<(BenchCase Case, IBenchClient Client)> measured = samples.Keys.Where(key => !key.Client.IsPeer && key.Client.Way == BenchWay.Socket && key.Case.Context != ContextKind.Images).OrderBy(key => IndexOf(key.Case)).ToList();
        if (measured.Count == 0 || Reference(measured[0].Case) is not { } first)
        {
            return;
        }

        string graphs = measured.Find(static key => key.Case.Context == ContextKind.Graph) is { Case: { } graph } && Reference(graph) is { } other && other != first ? $"; of the targets of a bake file, to {other.Title}" : "";
        text.Append(CultureInfo.InvariantCulture, $"\n## What was to be reached\n\nRatios are to {first.Title}{graphs}.\n\n| what | to reach | measured | |\n| --- | --- | --- | --- |\n");
        foreach ((BenchCase? benchCase, IBenchClient? client) in measured)
        {
            if (Reference(benchCase) is not { } peer)
            {
                continue;
            }

            List<Sample> own = samples[(benchCase, client)];
            List<Sample> reference = samples[(benchCase, peer)];
            string name = $"{benchCase.Title}: {client.Title}";
            if (benchCase.Context == ContextKind.Tiny)
            {
                if (client is WarmPowerShellClient)
                {
                    Row($"{name}, wall", "< 1.00", Wall(own) / Wall(reference), Wall(own) < Wall(reference));
                }

                continue;
            }

            double cpu = Cpu(own) / Cpu(reference);
            if (benchCase.Context == ContextKind.Graph)
            {
                double wall = Wall(own) / Wall(reference);
                Row($"{name}, wall", $"≤ {CpuTarget:0.00}", wall, wall <= CpuTarget);
            }

            Row($"{name}, client CPU", $"≤ {CpuTarget:0.00}", cpu, cpu <= CpuTarget);
            Row($"{name}, added memory (MiB)", $"≤ {AddedTargetMebibytes:0}", Added(own), Added(own) <= AddedTargetMebibytes);
        }

        void Row(string what, string target, double measured, bool reached) =>
            text.Append(CultureInfo.InvariantCulture, $"| {what} | {target} | {measured:0.00} | {(reached ? "reached" : "**missed**")} |\n");
    }

    // The peer that the ratios are to: the first on the same way, buildctl or ctr where it can be had.
    private IBenchClient? Reference(BenchCase benchCase, string? way = null) =>
        clients.FirstOrDefault(client => client.IsPeer && (way is null || client.Way == way) && samples.ContainsKey((benchCase, client)));

    private static int IndexOf(BenchCase benchCase) => BenchCase.All.TakeWhile(candidate => candidate != benchCase).Count();

    private static string Capitalised(string title) => char.ToUpperInvariant(title[0]) + title[1..];

    private static double Wall(List<Sample> own) => Median(own.Select(sample => sample.Wall.TotalSeconds));

    private static double Cpu(List<Sample> own) => Median(own.Select(sample => sample.Cpu.TotalSeconds));

    private static long Peak(List<Sample> own) => own.Max(sample => sample.PeakBytes);

    private static double Added(List<Sample> own) => Math.Max(0, own.Max(sample => sample.AddedBytes) / Mebibyte);

    private static string Seconds(List<Sample> own, Func<Sample, TimeSpan> select)
    {
        List<double> values = own.Select(sample => select(sample).TotalSeconds).ToList();
        double median = Median(values);
        // Three figures are what the measurement is good for.
        string format = median < 1 ? "0.000" : median < 10 ? "0.00" : "0.0";
        string Show(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return $"{Show(median)} s ({Show(values.Min())}–{Show(values.Max())})";
    }

    private static double Median(IEnumerable<double> values)
    {
        List<double> sorted = values.Order().ToList();
        int middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
