using OpenCloud.Build.Client.Engines.Nodes;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Nodes;

public sealed class NodeLoadsTests
{
    private static readonly string[] Four = ["a", "b", "c", "d"];

    [Fact]
    public void AKeyReturnsToItsNode()
    {
        NodeLoads loads = new();
        for (int i = 0; i < 10; i++)
        {
            using NodeLoads.Lease lease = loads.Take("key", Four);
            Assert.Equal(NodeRanking.Rank("key", Four)[0], lease.Node);
            Assert.Equal(1, loads.Of(lease.Node));
        }

        Assert.All(Four, node => Assert.Equal(0, loads.Of(node)));
    }

    /// <summary>The bound with n running: ceil(1.25 × (n + 1) / 4) is 1, 1, 1, 2, 2, 2, …</summary>
    [Fact]
    public void ABusyNodeGivesWayToTheNextOfTheRanking()
    {
        NodeLoads loads = new();
        IReadOnlyList<string> ranked = NodeRanking.Rank("key", Four);
        string[] taken = [.. Enumerable.Range(0, 6).Select(_ => loads.Take("key", Four).Node)];
        Assert.Equal([ranked[0], ranked[1], ranked[2], ranked[0], ranked[1], ranked[2]], taken);
    }

    [Fact]
    public void ALeaseThatEndsMakesRoom_Once()
    {
        NodeLoads loads = new();
        NodeLoads.Lease first = loads.Take("key", Four);
        Assert.NotEqual(first.Node, loads.Take("key", Four).Node);
        first.Dispose();
        first.Dispose();
        Assert.Equal(0, loads.Of(first.Node));
        Assert.Equal(first.Node, loads.Take("key", Four).Node);
    }

    [Fact]
    public void TheBuildsOfOthersCount()
    {
        IReadOnlyList<string> ranked = NodeRanking.Rank("key", Four);
        using NodeLoads.Lease lease = new NodeLoads().Take("key", Four, new Dictionary<string, int> { [ranked[0]] = 3, [ranked[1]] = 2, ["elsewhere"] = 100, [ranked[2]] = -7 });
        Assert.Equal(ranked[2], lease.Node);
    }

    [Fact]
    public void ANodeThatIsGoneIsNotTaken_AndItsBuildsDoNotCount()
    {
        NodeLoads loads = new();
        List<NodeLoads.Lease> gone = [.. Enumerable.Range(0, 20).Select(i => loads.Take($"key {i}", ["old"]))];
        Assert.Equal(20, loads.Of("old"));
        Assert.Equal(NodeRanking.Rank("key", Four)[0], loads.Take("key", Four).Node);
        gone.ForEach(static lease => lease.Dispose());
        Assert.Equal(0, loads.Of("old"));
    }

    [Fact]
    public void NoNodesAreAnError() => Assert.Throws<ArgumentOutOfRangeException>(static () => new NodeLoads().Take("key", []));

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(0, 4, 1)]
    [InlineData(3, 4, 2)]
    [InlineData(99, 10, 13)]
    [InlineData(int.MaxValue, 1, 2684354560)]
    public void TheBoundIsTheAverageTimesAQuarterMore(long running, int nodes, long bound) => Assert.Equal(bound, NodeLoads.Bound(running, nodes));

    [Fact]
    public void ManyThreadsStayWithinTheBound()
    {
        NodeLoads loads = new();
        NodeLoads.Lease[] leases = new NodeLoads.Lease[1000];
        Parallel.For(0, leases.Length, i => leases[i] = loads.Take($"key {i % 3}", Four));
        Assert.Equal(1000, Four.Sum(loads.Of));
        Assert.All(Four, node => Assert.InRange(loads.Of(node), 0, (int)NodeLoads.Bound(999, 4)));
        Parallel.ForEach(leases, static lease => lease.Dispose());
        Assert.All(Four, node => Assert.Equal(0, loads.Of(node)));
    }
}
