using System.Management.Automation;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands.Base;

/// <summary>
/// The base class of all cmdlets of this module: it can be stopped at any time, runs asynchronous work while its pipeline stays responsive, and
/// takes its errors from <see cref="ErrorCatalog"/>.
/// </summary>
public abstract class BuildCmdlet : PSCmdlet, IDisposable
{
    // Cmdlet.PipelineStopToken would fit, but is not in PowerShellStandard.Library.
    private readonly CancellationTokenSource _stop = new();

    private protected BuildCmdlet()
    {
    }

    /// <summary>The poster of the running operation; null between operations.</summary>
    private protected IPipelinePoster? Poster { get; private set; }

    /// <summary>Cancelled when the pipeline is stopped, as by Ctrl+C.</summary>
    private protected CancellationToken StopToken => _stop.Token;

    /// <summary>Whether the cmdlet only says what it would do: -WhatIf, or the preference for it.</summary>
    private protected bool IsPlanOnly => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? asked)
        ? asked is SwitchParameter { IsPresent: true } or true
        : GetVariableValue("WhatIfPreference") is true or SwitchParameter { IsPresent: true };

    /// <summary>Whether verbose lines are shown or kept.</summary>
    private protected bool IsVerbose => MyInvocation.BoundParameters.TryGetValue("Verbose", out object? asked)
        ? asked is SwitchParameter { IsPresent: true } or true
        : GetVariableValue("VerbosePreference") switch
        {
            ActionPreference preference => preference is not (ActionPreference.SilentlyContinue or ActionPreference.Ignore),
            string text => !text.Equals("SilentlyContinue", StringComparison.OrdinalIgnoreCase) && !text.Equals("Ignore", StringComparison.OrdinalIgnoreCase),
            _ => true,
        };

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the cmdlet's resources; PowerShell calls it when the pipeline has ended in any way.</summary>
    /// <param name="disposing">True when called by <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            // Also cancels: a pipeline that ended early (Select-Object -First) does not call StopProcessing.
            StopProcessing();
            _stop.Dispose();
        }
    }

    /// <inheritdoc/>
    protected sealed override void StopProcessing()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Ctrl+C coincided with the end of the pipeline.
        }
    }

    /// <summary>
    /// Runs <paramref name="operation"/> on a separate thread and writes what it posts. Rethrows its exception. When the pipeline is stopped,
    /// cancels it and waits for at most a second, or <paramref name="stopGrace"/>.
    /// </summary>
    private protected void RunAsync(Func<IPipelinePoster, CancellationToken, Task> operation, TimeSpan? stopGrace = null)
    {
        PipelinePump pump = new(this, IsVerbose, stopGrace, CreateDisplay());
        Poster = pump;
        try
        {
            pump.Run(operation, StopToken);
        }
        finally
        {
            Poster = null;
        }
    }

    /// <summary>Makes the errors of one input non-terminating: the pipeline continues with the next.</summary>
    private protected void Guard(object? target, Action work)
    {
        try
        {
            work();
        }
        catch (OperationCanceledException exception) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException("The pipeline was stopped.", exception);
        }
        catch (Exception exception) when (ToRecord(exception, target) is { } record)
        {
            WriteError(record);
        }
    }

    /// <summary>The record of an error that belongs to one input; null for others, which end the pipeline.</summary>
    private protected virtual ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        BuildErrorException known => known.ToRecord(),
        IOException or UnauthorizedAccessException => ErrorCatalog.Unexpected.ToRecord(target, exception, exception.Message),
        _ => null,
    };

    /// <summary>Writes a file or directory as <c>Get-Item</c> gives it: with the provider's properties, which other cmdlets bind.</summary>
    private protected void WriteItem(string path)
    {
        foreach (PSObject item in InvokeProvider.Item.Get([path], force: true, literalPath: true))
        {
            WriteObject(item);
        }
    }

    /// <summary>The display of an operation's progress; null for PowerShell's progress bars.</summary>
    private protected virtual ILiveDisplay? CreateDisplay() => null;

    private protected void WriteError(ErrorEntry entry, object? target, Exception? cause, params object[] arguments) =>
        WriteError(entry.ToRecord(target, cause, arguments));

    private protected void ThrowError(ErrorEntry entry, object? target, Exception? cause, params object[] arguments) =>
        ThrowTerminatingError(entry.ToRecord(target, cause, arguments));
}
