using System.Globalization;
using OpenCloud.Build.Client.Engines.Nodes;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Nodes;

/// <summary>
/// How far the choice of pods goes: 10,000 contexts on 10, 100 and 1,000 pods, with the module's own choice and no cluster. docs/scaling.md has the
/// figures, which are the same each time.
/// </summary>
public sealed class ScalingTests
{
    private const int Contexts = 10_000;

    /// <summary>One row: the balance, and the share of contexts that keep their pod.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(1000)]
    public void BalanceAndKeptPods(int pods)
    {
        string[] before = Pods(0, pods);
        string[][] ranked = [.. Keys().Select(key => NodeRanking.Rank(key, before).ToArray())];
        string[] firsts = [.. ranked.Select(static r => r[0])];
        double alone = MostToMean(firsts, pods);

        NodeLoads loads = new();
        string[] bounded = [.. Keys().Select(key => loads.Take(key, before).Node)];
        double atOnce = MostToMean(bounded, pods);
        Assert.True(atOnce <= 1.25 + (1.0 * pods / Contexts), $"{atOnce}");

        HashSet<string> tenth = [.. before.Take(pods / 10)];
        string row = string.Create(
            CultureInfo.InvariantCulture,
            $"| {pods:N0} | {alone:0.00} | {atOnce:0.00} | {Percent(Kept(firsts, ranked, [before[0]]))} | {Percent(KeptWithMore(firsts, [.. before, .. Pods(pods, 1)]))} | {Percent(Kept(firsts, ranked, tenth))} |");
        AssertInPage(row);
    }

    /// <summary>
    /// One row: builds that find the cache of the last build of their context. 20,000 builds start one after the other, on average two run on each pod,
    /// 80 % of the builds are of 20 % of the contexts, and ten times a pod is replaced by a new one.
    /// </summary>
    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(1000)]
    public void BuildsThatFindTheirCache(int pods)
    {
        string row = string.Create(
            CultureInfo.InvariantCulture,
            $"| {pods:N0} | {Percent(Hits(pods, replaced: 0, chooses: true))} | {Percent(Hits(pods, replaced: 10, chooses: true))} | {Percent(Hits(pods, replaced: 0, chooses: false))} |");
        AssertInPage(row);
    }

    private static double Hits(int pods, int replaced, bool chooses)
    {
        const int Builds = 20_000;
        Random random = new(19);
        List<string> names = [.. Pods(0, pods)];
        NodeLoads loads = new();
        List<NodeLoads.Lease> running = [];
        Dictionary<int, string> last = [];
        int again = 0;
        int hits = 0;
        for (int build = 0; build < Builds; build++)
        {
            if (replaced > 0 && build % (Builds / replaced) == Builds / replaced / 2)
            {
                names[random.Next(names.Count)] = $"pod-{pods + build}";
            }

            if (running.Count >= 2 * pods)
            {
                int ended = random.Next(running.Count);
                running[ended].Dispose();
                running[ended] = running[^1];
                running.RemoveAt(running.Count - 1);
            }

            int context = random.NextDouble() < 0.8 ? random.Next(Contexts / 5) : random.Next(Contexts);
            string chosen;
            if (chooses)
            {
                running.Add(loads.Take($"/src/{context}", names));
                chosen = running[^1].Node;
            }
            else
            {
                chosen = names[build % names.Count];
            }

            if (last.TryGetValue(context, out string? before))
            {
                again++;
                hits += before == chosen ? 1 : 0;
            }

            last[context] = chosen;
        }

        return (double)hits / again;
    }

    private static double Kept(string[] firsts, string[][] ranked, HashSet<string> gone) =>
        Enumerable.Range(0, firsts.Length).Count(i => ranked[i].First(pod => !gone.Contains(pod)) == firsts[i]) / (double)firsts.Length;

    private static double KeptWithMore(string[] firsts, string[] after)
    {
        int kept = 0;
        foreach ((int i, string key) in Keys().Index())
        {
            kept += NodeRanking.Rank(key, after)[0] == firsts[i] ? 1 : 0;
        }

        return kept / (double)firsts.Length;
    }

    private static double MostToMean(string[] chosen, int pods) => chosen.CountBy(static pod => pod).Max(static count => count.Value) / ((double)chosen.Length / pods);

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");

    private static string[] Pods(int first, int count) => [.. Enumerable.Range(first, count).Select(static i => $"pod-{i}")];

    private static IEnumerable<string> Keys() => Enumerable.Range(0, Contexts).Select(static i => $"/src/{i}");

    private static void AssertInPage(string row) =>
        Assert.Contains(row, File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "scaling.md")), StringComparison.Ordinal);
}
