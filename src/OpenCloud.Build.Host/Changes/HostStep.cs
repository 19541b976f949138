namespace OpenCloud.Build.Host.Changes;

/// <summary>The kind of object that a step changes.</summary>
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

    /// <summary>A user, or its settings: subordinate ids, lingering.</summary>
    User,
}

/// <summary>One action that is or would be done on this host.</summary>
/// <param name="Kind">The kind of the changed object.</param>
/// <param name="Target">The package, file, group or unit.</param>
/// <param name="Action">The action, as the beginning of a sentence: "Install", "Create the group".</param>
public sealed record HostStepInfo(StepKind Kind, string Target, string Action);

/// <summary>The result of a step.</summary>
public enum StepResult
{
    /// <summary>The wanted state was already present.</summary>
    Unchanged,

    /// <summary>The step made its change.</summary>
    Changed,

    /// <summary>The user declined, or only requested a plan.</summary>
    Skipped,
}

/// <summary>A step and its result.</summary>
/// <param name="Kind">The kind of the changed object.</param>
/// <param name="Target">The package, file, group or unit.</param>
/// <param name="Action">The action of the step.</param>
/// <param name="Result">The result.</param>
public sealed record HostStepOutcome(StepKind Kind, string Target, string Action, StepResult Result)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Action}: {Target} ({Result})";
}

/// <summary>Approves the changes and receives the reports: a cmdlet, or a program.</summary>
public interface IHostObserver
{
    /// <summary>Called before each change; false skips the change.</summary>
    public bool Approve(HostStepInfo step);

    /// <summary>Receives the result of each step.</summary>
    public void Report(HostStepOutcome outcome);

    /// <summary>Receives verbose details.</summary>
    public void Verbose(string text);

    /// <summary>Receives a warning that does not stop the work.</summary>
    public void Warning(string text);

    /// <summary>Reports the progress of a long step: a fraction from 0 to 1, or null when the end is unknown.</summary>
    public void Progress(string activity, string status, double? fraction);
}

/// <summary>
/// A change that knows whether it is needed, how to make it, and how to undo it. Prepare returns the record to write before Do; null when
/// there is nothing to undo.
/// </summary>
internal sealed record HostStep(
    StepKind Kind,
    string Target,
    string Action,
    Func<bool> IsDone,
    Func<HostChange?> Prepare,
    Action<CancellationToken> Do)
{
    public HostStepInfo Info => new(Kind, Target, Action);

    /// <summary>A step whose wanted state is known to be present.</summary>
    public static HostStep Done(StepKind kind, string target, string action) => new(kind, target, action, () => true, () => null, _ => { });
}
