using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Files;

[Collection(nameof(MeasuredAlone))]
public sealed class TextDiffTests
{
    [Fact]
    public void ShowsEachLine() => Assert.Equal(" a\n-b\n+c\n", TextDiff.Unified("a\nb\n", "a\nc\n"));

    [Fact]
    public void DoesNotCompareAMillionLines()
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        string text = TextDiff.Unified(string.Concat(Enumerable.Repeat("x\n", 400_000)), string.Concat(Enumerable.Repeat("y\n", 50)));
        Assert.StartsWith("-(400,000 lines are present", text, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 60 << 20);
    }
}
