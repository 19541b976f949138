using System.Diagnostics;
using Xunit;

namespace OpenCloud.Build.Definitions.Tests.Hcl;

/// <summary>A short definition must not exhaust memory or time, and deep nesting must not crash the process.</summary>
public sealed class HclBudgetTests
{
    public static TheoryData<string> Deep =>
    [
        new string('(', 100_000) + "1",
        new string('[', 100_000),
        string.Concat(Enumerable.Repeat("{a=", 100_000)),
        string.Concat(Enumerable.Repeat("\"${", 100_000)),
        new string('-', 100_000) + "1",
        new string('!', 100_000) + "true",
        string.Concat(Enumerable.Repeat("f(", 100_000)),
        string.Concat(Enumerable.Repeat("true?", 100_000)),
        "1" + string.Concat(Enumerable.Repeat("+1", 100_000)),
        "\"" + string.Concat(Enumerable.Repeat("%{if true}", 100_000)) + "\"",
    ];

    [Theory]
    [MemberData(nameof(Deep))]
    public void DepthIsRefused(string expression) => HclText.Refused(expression);

    [Theory]
    [InlineData("[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]")]
    [InlineData("setproduct(range(1000), range(1000), range(1000))")]
    [InlineData("join(\"\", [for a in range(1000) : join(\"\", [for b in range(1000) : \"0123456789012345678901234567890123456789012345678901234567890123456789\"])])")]
    [InlineData("try([for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]], 1)")]
    [InlineData("replace(replace(replace(\"xxxxxxxxxx\", \"x\", join(\"\", [for a in range(1000) : \"x\"])), \"x\", join(\"\", [for a in range(1000) : \"x\"])), \"x\", join(\"\", [for a in range(1000) : \"x\"]))")]
    public void ExpansionIsRefused(string expression)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Assert.True(HclText.Refused(expression).IsBudget);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"it took {watch.Elapsed}");
    }

    [Theory]
    [InlineData("replace(join(\"\", [for a in range(1000) : \"0123456789\"]), \"\", join(\"\", [for a in range(1000) : \"0123456789\"]))")]
    [InlineData("indent(1000, join(\"\", [for a in range(1000) : join(\"\", [for b in range(100) : \"\\n\"])]))")]
    [InlineData("join(join(\"\", [for a in range(1000) : \"0123456789\"]), [for a in range(1000) : join(\"\", [for b in range(900) : \"0123456789\"])])")]
    [InlineData("regex_replace(join(\"\", [for a in range(1000) : \"0123456789\"]), \".\", join(\"\", [for a in range(1000) : \"0123456789\"]))")]
    public void TextsAreCountedBeforeTheyAreMade(string expression) => Assert.True(HclText.Refused(expression).IsBudget);

    [Fact]
    public void ValuesThatShareTheirPartsAreCountedAsTheyWouldBeWritten()
    {
        // Each list has the previous one twice, by reference: comparing two of them element by element would never end.
        string text = string.Join('\n', Enumerable.Range(1, 60).SelectMany(static i => new[] { $"v{i} = [v{i - 1}, v{i - 1}]", $"w{i} = [w{i - 1}, w{i - 1}]" }));
        string all = $"v0 = 1\nw0 = 1\n{text}\ntarget \"default\" {{\n  args = {{ A = v60 == w60 }}\n}}";
        Assert.Contains("too many values", Reading.RefusedHcl(all).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANetworkOfAllBitsIsRefused() => HclText.Refused("cidrsubnet(\"10.0.0.0/8\", 2147483647, 1)");

    [Fact]
    public void ALongTextIsRead()
    {
        string lines = string.Concat(Enumerable.Repeat("line ${1}\n", 20_000));
        Assert.Equal(20_000 * 7, HclText.Evaluate($"<<E\n{lines}E").Text.Length);
    }
}
