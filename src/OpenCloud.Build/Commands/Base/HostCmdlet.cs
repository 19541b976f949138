using System.Management.Automation;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Hosts;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that change or inspect this machine.</summary>
public abstract class HostCmdlet : BuildCmdlet
{
    private protected HostCmdlet()
    {
    }

    /// <summary>
    /// Runs work of the Host library and returns its result. When the pipeline is stopped, the work undoes its changes, and this method waits
    /// for that without a time limit, so that the host is not left half changed.
    /// </summary>
    private protected T RunHost<T>(Func<IHostObserver, CancellationToken, Task<T>> work)
    {
        if (!OperatingSystem.IsLinux())
        {
            ThrowError(ErrorCatalog.HostUnsupported, null, null, "This cmdlet requires Linux.", "Use a Linux host");
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

    /// <summary>Changes the parameters of the command line for root, whose environment and working directory differ.</summary>
    private protected virtual void TranslateForRoot(IDictionary<string, object?> parameters)
    {
    }

    /// <summary>The environment variables of the caller that the work also needs as root.</summary>
    private protected virtual IReadOnlyList<string> EnvironmentForRoot() => [];

    /// <summary>The command line that runs this cmdlet with these parameters as root.</summary>
    private string AsRoot()
    {
        // Variables of this session, and its pipeline input buffer, mean nothing in another session.
        Dictionary<string, object?> parameters = MyInvocation.BoundParameters
            .Where(pair => !(CommonParameters.Contains(pair.Key) && (pair.Key.EndsWith("Variable", StringComparison.Ordinal) || pair.Key == "OutBuffer")))
            .ToDictionary(pair => pair.Key, pair => pair.Value is SwitchParameter asked ? asked.IsPresent : (object?)pair.Value);
        TranslateForRoot(parameters);
        return RootLine.Keeping(EnvironmentForRoot(), MyInvocation.MyCommand.Name, parameters.Select(pair => (pair.Key, pair.Value)));
    }
}
