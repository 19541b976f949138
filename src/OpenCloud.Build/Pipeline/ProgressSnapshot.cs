namespace OpenCloud.Build.Pipeline;

/// <summary>How far an operation is.</summary>
/// <param name="Activity">What is being done.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Percent">0 to 100, or -1 when not known.</param>
/// <param name="Steps">What is running now, each with a bar of its own below.</param>
internal sealed record ProgressSnapshot(string Activity, string Status, int Percent, IReadOnlyList<StepProgress> Steps)
{
    /// <summary>An operation without steps.</summary>
    public ProgressSnapshot(string activity, string status, int percent = -1)
        : this(activity, status, percent, [])
    {
    }
}

/// <summary>How far one step is.</summary>
/// <param name="Key">Tells the step from others, from snapshot to snapshot.</param>
/// <param name="Activity">What is being done.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Percent">0 to 100, or -1 when not known.</param>
internal sealed record StepProgress(string Key, string Activity, string Status, int Percent = -1);
