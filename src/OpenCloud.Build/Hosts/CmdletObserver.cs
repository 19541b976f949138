using System.Management.Automation;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Hosts;

/// <summary>Lets a cmdlet watch and approve what the Host library does.</summary>
internal sealed class CmdletObserver(PSCmdlet cmdlet, IPipelinePoster poster) : IHostObserver
{
    /// <inheritdoc/>
    // On the pipeline's thread: -WhatIf and -Confirm speak with the user.
    public bool Approve(HostStepInfo step) => poster.InvokeAsync(() => cmdlet.ShouldProcess(step.Target, step.Action)).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void Report(HostStepOutcome outcome)
    {
        if (outcome.Result == StepResult.Unchanged)
        {
            poster.Verbose($"Already so: {outcome.Action}: {outcome.Target}");
        }
    }

    /// <inheritdoc/>
    public void Verbose(string text) => poster.Verbose(text);

    /// <inheritdoc/>
    public void Warning(string text) => poster.Warning(text);

    /// <inheritdoc/>
    public void Progress(string activity, string status, double? fraction) =>
        poster.Progress(new ProgressSnapshot(activity, status, fraction is { } part ? (int)(part * 100) : -1));
}
