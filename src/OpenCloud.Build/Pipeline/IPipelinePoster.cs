using System.Management.Automation;

namespace OpenCloud.Build.Pipeline;

/// <summary>
/// An operation's interface to its cmdlet's pipeline. All members may be called from any thread. Posted items are written in order by the
/// pipeline's own thread, and dropped after the pipeline has stopped.
/// </summary>
internal interface IPipelinePoster
{
    /// <summary>Whether verbose lines are shown or kept; when false, callers need not create them.</summary>
    public bool IsVerbose { get; }

    /// <summary>Writes an object to the pipeline. Blocks while the queue is full.</summary>
    public void Output(object value);

    /// <summary>Writes a verbose line. Blocks while the queue is full.</summary>
    public void Verbose(string text);

    public void Warning(string text);

    /// <summary>Writes a line to the information stream. Blocks while the queue is full.</summary>
    /// <param name="text">The line.</param>
    /// <param name="isShown">True to show it whatever the preference, as Write-Host does.</param>
    public void Information(string text, bool isShown);

    public void Error(ErrorRecord error);

    /// <summary>Shows progress. Never blocks: only the last snapshot before a repaint is shown.</summary>
    public void Progress(ProgressSnapshot snapshot);

    /// <summary>Runs <paramref name="function"/> on the pipeline's thread, for ShouldProcess, ShouldContinue and the like.</summary>
    /// <exception cref="OperationCanceledException">The pipeline was stopped first.</exception>
    public Task<T> InvokeAsync<T>(Func<T> function);
}
