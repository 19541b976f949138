using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that connect to something: how long they wait for it.</summary>
public abstract class ConnectingCmdlet : TlsCmdlet
{
    private protected ConnectingCmdlet()
    {
    }

    /// <summary>How long to wait for an engine or a store that is starting.</summary>
    [Parameter]
    [DurationTransform]
    [ArgumentCompleter(typeof(DurationCompleter))]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <exception cref="Errors.BuildErrorException">The time to wait is not positive, or a parameter for TLS is invalid.</exception>
    private protected EngineConnectOptions ConnectOptions => OptionsWith(ConnectTimeout);
}
