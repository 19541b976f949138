using OpenCloud.Build.Client.Builds;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Builds;

public sealed class BuildGraphTests
{
    [Fact]
    public void EachComesAfterWhatItDependsOn_OtherwiseInTheOrderGiven()
    {
        BuildGraph graph = Of("web:api,base", "tools", "api:base", "base");

        Assert.Equal([3, 2, 0, 1], graph.Order);
        Assert.Equal([2, 3], graph.DependenciesOf(0));
        Assert.Empty(graph.Cycle);
        Assert.Empty(graph.Ambiguous);
    }

    [Fact]
    public void ABuildStarts_OnceThatWhichItDependsOnIsBuilt()
    {
        BuildGraph graph = Of("base", "api:base", "web:api,base", "tools");

        Assert.Equal(0, graph.TryStart());
        Assert.Equal(3, graph.TryStart());
        Assert.Null(graph.TryStart());
        Assert.Empty(graph.Finish(0, isBuilt: true));
        Assert.Equal(1, graph.TryStart());
        Assert.Null(graph.TryStart());
        Assert.False(graph.IsDone);
        graph.Finish(1, isBuilt: true);
        Assert.Equal(2, graph.TryStart());
        graph.Finish(2, isBuilt: true);
        graph.Finish(3, isBuilt: false);
        Assert.True(graph.IsDone);
    }

    [Fact]
    public void ABuildStarts_OnceTheResultsItUsesAreKnown_AfterThoseThatNeedNotWaitForThem()
    {
        BuildGraph graph = Of("base", "api:base", "web:api,base", "tools", "other:tools");

        Assert.Equal(0, graph.TryStart());
        Assert.Equal(3, graph.TryStart());
        Assert.Null(graph.TryStart());
        graph.Announce(0);
        graph.Finish(3, isBuilt: true);
        Assert.Equal(4, graph.TryStart());
        Assert.Equal(1, graph.TryStart());
        Assert.Null(graph.TryStart());
        graph.Finish(0, isBuilt: true);
        graph.Announce(0);
        Assert.Null(graph.TryStart());
        graph.Announce(1);
        Assert.Equal(2, graph.TryStart());
    }

    [Fact]
    public void ABuildThatWaits_TakesThePlaceOfTheOneItWaitsFor()
    {
        BuildGraph graph = Of("base", "a:base", "b:base", "c:a", "tools");

        Assert.Equal(0, graph.RunningCount);
        Assert.Equal(0, graph.TryStart());
        Assert.Equal(4, graph.TryStart());
        Assert.Equal(2, graph.RunningCount);
        graph.Announce(0);
        Assert.Equal(1, graph.TryStart());
        Assert.Equal(2, graph.RunningCount);
        Assert.Equal(2, graph.TryStart());
        Assert.Equal(3, graph.RunningCount);
        graph.Announce(1);
        Assert.Equal(3, graph.TryStart());
        Assert.Equal(3, graph.RunningCount);
        graph.Finish(0, isBuilt: true);
        Assert.Equal(3, graph.RunningCount);
        graph.Finish(1, isBuilt: true);
        graph.Finish(4, isBuilt: true);
        Assert.Equal(2, graph.RunningCount);
    }

    [Fact]
    public void AFailureAfterTheResultIsKnown_StopsWhatHasNotStarted()
    {
        BuildGraph graph = Of("base", "api:base", "web:base");

        Assert.Equal(0, graph.TryStart());
        graph.Announce(0);
        Assert.Equal(1, graph.TryStart());
        Assert.Equal([2], graph.Finish(0, isBuilt: false));
        graph.Announce(0);
        Assert.Null(graph.TryStart());
        graph.Finish(1, isBuilt: true);
        Assert.True(graph.IsDone);
    }

    [Fact]
    public void AFailure_StopsWhatDependsOnIt_AndNothingElse()
    {
        BuildGraph graph = Of("base", "api:base", "web:api", "tools", "other:tools");

        Assert.Equal(0, graph.TryStart());
        Assert.Equal([1, 2], graph.Finish(0, isBuilt: false));
        Assert.Equal(3, graph.TryStart());
        Assert.Empty(graph.Finish(3, isBuilt: true));
        Assert.Equal(4, graph.TryStart());
        Assert.Null(graph.TryStart());
    }

    [Theory]
    [InlineData("a", "a:a")]
    [InlineData("a,b", "a:b", "b:a")]
    [InlineData("b,c,d", "a:b", "b:c", "c:d", "d:b")]
    public void ACircle_IsNamed(string cycle, params string[] nodes) => Assert.Equal(cycle.Split(','), Of(nodes).Cycle);

    [Fact]
    public void NamesThatAreMissing_ElsewhereOrThereTwice_AreKnown()
    {
        BuildGraph graph = new([new("a", "x", ["b", "c"]), new("b", "y", []), new("d", "x", []), new("d", "x", []), new("e", "x", ["d"])]);

        Assert.Equal(["b", "c"], graph.MissingOf(0));
        Assert.Empty(graph.MissingOf(4));
        Assert.Equal(["d"], graph.Ambiguous);
    }

    [Fact]
    public void AChainOfAnyLength_HasAnOrder()
    {
        BuildGraph graph = new([.. Enumerable.Range(0, 20_000).Select(static i => new BuildNode($"{i}", "", i == 0 ? [] : [$"{i - 1}"])).Reverse()]);

        Assert.Equal(20_000, graph.Order.Count);
        Assert.Equal(19_999, graph.Order[0]);
    }

    private static BuildGraph Of(params string[] nodes) =>
        new([.. nodes.Select(static n => n.Split(':')).Select(static n => new BuildNode(n[0], "", n.Length == 1 ? [] : n[1].Split(',')))]);
}
