namespace OpenCloud.Build.Host.Changes;

/// <summary>What a step changes.</summary>
public enum StepKind
{
    /// <summary>A package of the distribution.</summary>
    Package,

    /// <summary>A file or a directory.</summary>
    File,

    /// <summary>A group or a membership.</summary>
    Group,

    /// <summary>A systemd unit: enabled, started, restarted.</summary>
    Unit,

    /// <summary>A user, or what belongs to one: subordinate ids, lingering.</summary>
    User,
}

/// <summary>One thing that is or would be done to this host.</summary>
/// <param name="Kind">What it changes.</param>
/// <param name="Target">The package, file, group or unit.</param>
/// <param name="Action">What is done with it, as a sentence begins: "Install", "Create the group".</param>
public sealed record HostStepInfo(StepKind Kind, string Target, string Action);

/// <summary>How a step ended.</summary>
public enum StepResult
{
    /// <summary>It was so already.</summary>
    Unchanged,

    /// <summary>It was done.</summary>
    Changed,

    /// <summary>The user said no, or only asked what would be done.</summary>
    Skipped,
}

/// <summary>A step and how it ended.</summary>
/// <param name="Kind">What it changes.</param>
/// <param name="Target">The package, file, group or unit.</param>
/// <param name="Action">What was to be done.</param>
/// <param name="Result">How it ended.</param>
public sealed record HostStepOutcome(StepKind Kind, string Target, string Action, StepResult Result);

/// <summary>Who watches and steers the work: a cmdlet, or a program.</summary>
public interface IHostObserver
{
    /// <summary>Asked before each change; false leaves it undone.</summary>
    public bool Approve(HostStepInfo step);

    /// <summary>Told how each step ended.</summary>
    public void Report(HostStepOutcome outcome);

    /// <summary>Details for those who want them.</summary>
    public void Verbose(string text);

    /// <summary>Something to know that stops nothing.</summary>
    public void Warning(string text);

    /// <summary>How far a long step is: a fraction from 0 to 1, or null when the end is not known.</summary>
    public void Progress(string activity, string status, double? fraction);
}

/// <summary>A change that knows whether it is needed, how to do it, and what is needed to take it back.</summary>
/// <param name="Kind">What it changes.</param>
/// <param name="Target">The package, file, group or unit.</param>
/// <param name="Action">What is done with it.</param>
/// <param name="IsDone">Whether it is so already.</param>
/// <param name="Prepare">Gives the record to write down before doing it; null for a change that leaves nothing to undo.</param>
/// <param name="Do">Does it.</param>
internal sealed record HostStep(
    StepKind Kind,
    string Target,
    string Action,
    Func<bool> IsDone,
    Func<HostChange?> Prepare,
    Action<CancellationToken> Do)
{
    /// <summary>The step as others see it.</summary>
    public HostStepInfo Info => new(Kind, Target, Action);
}
