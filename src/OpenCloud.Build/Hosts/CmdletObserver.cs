using System.Management.Automation;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Hosts;

/// <summary>Connects a cmdlet to the Host library: approvals, messages and progress.</summary>
/// <remarks><c>isApproved</c>: the user approved the whole, and is not asked for each step.</remarks>
internal sealed class CmdletObserver(PSCmdlet cmdlet, IPipelinePoster poster, bool isApproved = false) : IHostObserver
{
    // On the pipeline's thread, because -WhatIf and -Confirm interact with the user.
    public bool Approve(HostStepInfo step) => isApproved || poster.InvokeAsync(() => cmdlet.ShouldProcess(step.Target, step.Action)).GetAwaiter().GetResult();

    public void Report(HostStepOutcome outcome)
    {
        if (outcome.Result == StepResult.Unchanged)
        {
            poster.Verbose($"Already done: {outcome.Action}: {outcome.Target}");
        }
    }

    public void Verbose(string text) => poster.Verbose(text);

    public void Warning(string text) => poster.Warning(text);

    public void Progress(string activity, string status, double? fraction) =>
        poster.Progress(new ProgressSnapshot(activity, status, fraction is { } part ? (int)(part * 100) : -1));
}
