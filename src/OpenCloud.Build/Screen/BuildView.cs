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

/// <summary>A step that has started.</summary>
internal sealed record StepView(int Number, string Name, StepState State, TimeSpan Time)
{
    /// <summary>The running transfers.</summary>
    public IReadOnlyList<PartView> Parts { get; init; } = [];

    /// <summary>The last lines that the step wrote.</summary>
    public IReadOnlyList<string> Log { get; init; } = [];
}

/// <summary>The progress of a build, with what a screen shows of it.</summary>
internal sealed record BuildView(string Name, TimeSpan Elapsed, int Done, int Total, int Cached, IReadOnlyList<StepView> Started, ProgressSnapshot Bars)
    : ProgressSnapshot(Bars.Activity, Bars.Status, Bars.Percent, Bars.Steps);
