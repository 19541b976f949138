using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Progress;

/// <summary>Builds of BuildKit 0.16.0 and 0.32.2: cold with four stages, from the cache, and failed beside a step that is given up.</summary>
public sealed class RecordedStatusTests
{
    public static TheoryData<string> Builds => ["0.16-cold", "0.16-cached", "0.16-failed", "0.32-cold", "0.32-cached", "0.32-failed"];

    [Theory]
    [MemberData(nameof(Builds))]
    public void TheLogIsTheApprovedOne(string build)
    {
        Assert.Equal(RecordedStatus.Text($"{build}-live.log"), Joined(RecordedStatus.Log($"{build}-live")));
        Assert.Equal(RecordedStatus.Text($"{build}-history.log"), Joined(RecordedStatus.Log($"{build}-history")));
    }

    [Theory]
    [MemberData(nameof(Builds))]
    public void TheHistoryNumbersTheStepsAsTheBuildDid(string build)
    {
        List<(int Number, string Name)> live = Steps($"{build}-live");
        Assert.Equal(live, Steps($"{build}-history"));
        List<int> started = [.. live.Select(static s => s.Number).TakeWhile(static n => n > 0)];
        Assert.Equal(Enumerable.Range(1, started.Count), started);
    }

    [Theory]
    [MemberData(nameof(Builds))]
    public void EachStepIsNamedOnceAndEndsOnce(string build)
    {
        foreach (string log in new[] { "live", "history" })
        {
            List<string> lines = RecordedStatus.Log($"{build}-{log}");
            List<int> named = [.. lines.Select(Number).Distinct()];
            Assert.Equal(named.Order(), named);
            Assert.All(named, n => Assert.Single(lines, l => Number(l) == n && Outcome(l)));
        }

        static int Number(string line) => int.Parse(line.AsSpan(1, line.IndexOf(' ', StringComparison.Ordinal) - 1), System.Globalization.CultureInfo.InvariantCulture);

        static bool Outcome(string line) => line.Split(' ')[1] is "DONE" or "CACHED" or "CANCELED" or "ERROR:";
    }

    private static List<(int Number, string Name)> Steps(string name)
    {
        BuildModel model = new();
        foreach (StatusResponse response in RecordedStatus.Read(name))
        {
            model.Apply(response);
        }

        return [.. model.Steps.Where(static s => s.Number > 0).Select(static s => (s.Number, s.Name))];
    }

    private static string Joined(List<string> lines) => string.Concat(lines.Select(static l => l + "\n"));
}
