namespace OpenCloud.Build.Pipeline;

/// <summary>The progress of an operation.</summary>
/// <remarks>Percent is 0 to 100, or -1 when unknown. Each running step has its own bar below.</remarks>
internal record ProgressSnapshot(string Activity, string Status, int Percent, IReadOnlyList<StepProgress> Steps)
{
    public ProgressSnapshot(string activity, string status, int percent = -1)
        : this(activity, status, percent, [])
    {
    }

    /// <summary>The operations that this one consists of, such as builds side by side.</summary>
    public IReadOnlyList<ProgressSnapshot> Parts { get; init; } = [];
}

/// <summary>The progress of one step.</summary>
/// <remarks>The key identifies the step across snapshots. Percent is 0 to 100, or -1 when unknown.</remarks>
internal sealed record StepProgress(string Key, string Activity, string Status, int Percent = -1);
