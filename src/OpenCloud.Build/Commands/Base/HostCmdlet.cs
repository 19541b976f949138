using System.Management.Automation;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Hosts;

namespace OpenCloud.Build.Commands.Base;

/// <summary>What the cmdlets that change or inspect this machine share.</summary>
public abstract class HostCmdlet : BuildCmdlet
{
    private protected HostCmdlet()
    {
    }

    /// <summary>Whether only the plan is wanted: -WhatIf.</summary>
    private protected bool IsPlanOnly => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? asked)
        ? asked is SwitchParameter { IsPresent: true } or true
        : GetVariableValue("WhatIfPreference") is true or SwitchParameter { IsPresent: true };

    /// <summary>
    /// Runs work of the Host library and gives what it gives. Once the pipeline is stopped the work takes back what it did, and
    /// that is waited for, however long it takes: a host is not left half changed for the sake of a prompt.
    /// </summary>
    private protected T RunHost<T>(Func<IHostObserver, CancellationToken, Task<T>> work)
    {
        if (!OperatingSystem.IsLinux())
        {
            ThrowError(ErrorCatalog.HostUnsupported, null, null, "This works on Linux only.", "Use a Linux host");
        }

        T? result = default;
        try
        {
            RunAsync(
                async (poster, cancellationToken) => result = await work(new CmdletObserver(this, poster), cancellationToken).ConfigureAwait(false),
                Timeout.InfiniteTimeSpan);
        }
        catch (HostException failure)
        {
            ThrowTerminatingError(HostErrors.From(failure, AsRoot).ToRecord());
        }

        return result!;
    }

    /// <summary>Changes what is repeated as root to what means the same there, in another environment and another folder.</summary>
    private protected virtual void TranslateForRoot(IDictionary<string, object?> parameters)
    {
    }

    /// <summary>The variables of the caller's environment that the work needs as root, too.</summary>
    private protected virtual IReadOnlyList<string> EnvironmentForRoot() => [];

    /// <summary>The line that runs this cmdlet with these parameters as root.</summary>
    private string AsRoot()
    {
        // Variables of this session, and the buffer that feeds its pipeline, mean nothing in another.
        Dictionary<string, object?> parameters = MyInvocation.BoundParameters
            .Where(pair => !(CommonParameters.Contains(pair.Key) && (pair.Key.EndsWith("Variable", StringComparison.Ordinal) || pair.Key == "OutBuffer")))
            .ToDictionary(pair => pair.Key, pair => pair.Value is SwitchParameter asked ? asked.IsPresent : (object?)pair.Value);
        TranslateForRoot(parameters);
        return RootLine.Keeping(EnvironmentForRoot(), MyInvocation.MyCommand.Name, parameters.Select(pair => (pair.Key, pair.Value)));
    }
}
