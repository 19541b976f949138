using OpenCloud.Build.Client.Engines.Nodes;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Nodes;

public sealed class NodeRankingTests
{
    /// <summary>Another process, another day, another version: the order stays, or all caches are on the wrong nodes.</summary>
    [Fact]
    public void TheOrderIsFixed()
    {
        Assert.Equal(["b", "c", "a"], NodeRanking.Rank("/src/app", ["a", "b", "c"]));
        Assert.Equal(["buildkitd-0", "buildkitd-1", "buildkitd-2"], NodeRanking.Rank("/home/é", ["buildkitd-2", "buildkitd-0", "buildkitd-1"]));
    }

    [Fact]
    public void TheOrderOfTheInputDoesNotMatter()
    {
        string[] nodes = Names(20);
        IReadOnlyList<string> ranked = NodeRanking.Rank("key", nodes);
        Array.Reverse(nodes);
        Assert.Equal(ranked, NodeRanking.Rank("key", nodes));
        Assert.Equal(nodes.Order(StringComparer.Ordinal), ranked.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void OneNodeIsFirst_AndNoneIsEmpty()
    {
        Assert.Equal(["only"], NodeRanking.Rank("", ["only"]));
        Assert.Empty(NodeRanking.Rank("key", []));
    }

    /// <summary>With 10,000 keys on 10 nodes the standard deviation is 30 keys.</summary>
    [Fact]
    public void EachNodeIsFirstForItsShare()
    {
        Dictionary<string, int> firsts = Keys().CountBy(static key => NodeRanking.Rank(key, Names(10))[0]).ToDictionary();
        Assert.Equal(10, firsts.Count);
        Assert.All(firsts.Values, static count => Assert.InRange(count, 850, 1150));
    }

    [Fact]
    public void ANodeThatGoesMovesOnlyItsOwnKeys_EachToItsSecondNode()
    {
        string[] before = Names(10);
        string[] after = [.. before.Where(static n => n != "node-3")];
        foreach (string key in Keys())
        {
            IReadOnlyList<string> ranked = NodeRanking.Rank(key, before);
            Assert.Equal(ranked[0] == "node-3" ? ranked[1] : ranked[0], NodeRanking.Rank(key, after)[0]);
        }
    }

    [Fact]
    public void ANodeThatComesTakesItsShareOnly()
    {
        int moved = 0;
        foreach (string key in Keys())
        {
            string now = NodeRanking.Rank(key, Names(11))[0];
            if (now != NodeRanking.Rank(key, Names(10))[0])
            {
                Assert.Equal("node-10", now);
                moved++;
            }
        }

        Assert.InRange(moved, 750, 1070);
    }

    private static string[] Names(int count) => [.. Enumerable.Range(0, count).Select(static i => $"node-{i}")];

    private static IEnumerable<string> Keys() => Enumerable.Range(0, 10_000).Select(static i => $"/src/context-{i}");
}
