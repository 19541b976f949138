using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Screen;

internal enum StepState
{
    Running,
    Done,
    Cached,
    Failed,
    Cancelled,
}

/// <summary>A transfer of a step. The total is 0 when unknown.</summary>
internal sealed record PartView(string Id, long Current, long Total);

internal sealed record StepView(int Number, string Name, StepState State, TimeSpan Time)
{
    public IReadOnlyList<PartView> Parts { get; init; } = [];

    public IReadOnlyList<string> Log { get; init; } = [];
}

internal sealed record BuildView(string Name, TimeSpan Elapsed, int Done, int Total, int Cached, IReadOnlyList<StepView> Started, ProgressSnapshot Bars)
    : ProgressSnapshot(Bars.Activity, Bars.Status, Bars.Percent, Bars.Steps);
