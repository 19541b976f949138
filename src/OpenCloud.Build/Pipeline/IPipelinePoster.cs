using System.Management.Automation;

namespace OpenCloud.Build.Pipeline;

/// <summary>
/// What an operation uses to speak to its cmdlet's pipeline. Everything may be called from any thread; what
/// is posted is written in the order of posting, by the pipeline's own thread. After the pipeline has been stopped what is
/// posted is dropped.
/// </summary>
internal interface IPipelinePoster
{
    /// <summary>Whether verbose lines are shown or kept at all; where not, they need not be made.</summary>
    public bool IsVerbose { get; }

    /// <summary>Writes an object to the pipeline. Blocks while more is queued than the pipeline can take.</summary>
    public void Output(object value);

    /// <summary>Writes a verbose line. Blocks while more is queued than the pipeline can take.</summary>
    public void Verbose(string text);

    /// <summary>Writes a warning.</summary>
    public void Warning(string text);

    /// <summary>Writes a non-terminating error.</summary>
    public void Error(ErrorRecord error);

    /// <summary>Shows how far things are. Never blocks: of several between two repaints only the last is shown.</summary>
    public void Progress(ProgressSnapshot snapshot);

    /// <summary>Runs <paramref name="function"/> on the pipeline's thread: for ShouldProcess, ShouldContinue and the like.</summary>
    /// <exception cref="OperationCanceledException">The pipeline was stopped first.</exception>
    public Task<T> InvokeAsync<T>(Func<T> function);
}
