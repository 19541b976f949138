using OpenCloud.Build.Client.Fleet;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Fleet;

/// <summary>Which node builds which platform.</summary>
public sealed class PlatformDivisionTests
{
    private static readonly NodePlatforms Intel = new("intel", [], ["linux/amd64", "linux/amd64/v2", "linux/386", "linux/riscv64"]);
    private static readonly NodePlatforms Arm = new("arm", [], ["linux/arm64", "linux/arm/v7"]);
    private static readonly NodePlatforms Given = new("given", ["linux/amd64", "linux/arm64"], ["linux/amd64"]);

    [Fact]
    public void Each_platform_goes_to_the_node_that_has_it() =>
        Check([Intel, Arm], "linux/amd64=intel", "linux/arm64=arm", "linux/amd64", "linux/arm64");

    [Fact]
    public void What_a_worker_reports_comes_before_any_node() =>
        Check([Arm, Intel], "linux/arm64+linux/s390x=arm", "linux/riscv64=intel", "linux/arm64", "linux/riscv64", "linux/s390x");

    [Fact]
    public void Platforms_of_one_node_stay_together()
    {
        Check([Intel, Arm], "linux/amd64+linux/amd64/v2+linux/386=intel", null, "linux/amd64", "linux/amd64/v2", "linux/386");
        Check([Intel, Given], "linux/amd64+linux/arm64=given", null, "linux/amd64", "linux/arm64");
        Check([Intel, Intel with { Node = "second" }], "linux/amd64=intel,second", null, "linux/amd64");
    }

    [Fact]
    public void A_registration_counts_more_than_a_worker() =>
        Check([Intel with { Registered = ["linux/arm64"] }, Intel with { Node = "second", Registered = ["linux/amd64"] }], "linux/amd64=second", "linux/arm64=intel", "linux/amd64", "linux/arm64/v8");

    [Theory]
    [InlineData("linux/arm64", "arm")]
    [InlineData("linux/arm64/v8", "arm")]
    [InlineData("linux/s390x", "unknown")]
    [InlineData("linux/riscv64", null)]
    [InlineData("linux/amd64", null)]
    public void A_lost_node_is_needed_where_no_other_can_run_the_platform(string platform, string? needed) =>
        Assert.Equal(needed, PlatformDivision.FindNeeded(["linux/amd64", platform], [Intel], [new("unknown", [], []), new("arm", ["linux/arm64"], [])]));

    [Fact]
    public void No_lost_node_is_needed_for_a_platform_that_it_does_not_have() =>
        Assert.Null(PlatformDivision.FindNeeded(["linux/s390x"], [Intel], [new("arm", ["linux/arm64"], [])]));

    [Fact]
    public void All_platforms_go_to_a_node_that_can_run_all()
    {
        Assert.Equal(["given"], PlatformDivision.ForAll(["linux/amd64", "linux/arm64"], [Arm, Intel, Given]));
        Assert.Equal(["arm", "intel"], PlatformDivision.ForAll(["linux/amd64", "linux/arm64"], [Arm, Intel]));
    }

    [Fact]
    public void Native_elsewhere_is_what_another_node_has_and_this_one_does_not()
    {
        string[] platforms = ["linux/amd64", "linux/arm64", "linux/riscv64"];
        Assert.Equal(["linux/arm64"], PlatformDivision.NativeElsewhere(platforms, "intel", [Arm, Intel]));
        Assert.Equal(["linux/amd64"], PlatformDivision.NativeElsewhere(platforms, "arm", [Arm, Intel]));
        Assert.Empty(PlatformDivision.NativeElsewhere(platforms, "intel", [Intel]));
    }

    [Fact]
    public void A_lease_counts_until_it_is_disposed()
    {
        const string Node = "tcp://lease.example:1";
        NodeLease lease = NodeChoice.Take("context", [Node]);
        Assert.Equal((Node, 1), (lease.Node, NodeChoice.RunningOn(Node)));
        lease.Dispose();
        lease.Dispose();
        Assert.Equal(0, NodeChoice.RunningOn(Node));
    }

    private static void Check(NodePlatforms[] nodes, string first, string? second, params string[] platforms)
    {
        string[] groups = [.. PlatformDivision.Divide(platforms, nodes).Select(static g => $"{string.Join('+', g.Platforms.Select(static p => p == "linux/arm64/v8" ? "linux/arm64" : p))}={string.Join(',', g.Nodes)}")];
        Assert.Equal(second is null ? [first] : [first, second], groups);
    }
}
