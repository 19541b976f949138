using System.Management.Automation;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Commands;

/// <summary>Removes what Install-BuildKit installed.</summary>
[Cmdlet(VerbsLifecycle.Uninstall, "BuildKit", SupportsShouldProcess = true, DefaultParameterSetName = "Engine")]
[OutputType(typeof(InstallResult))]
public sealed class UninstallBuildKitCommand : HostCmdlet
{
    /// <summary>Selects a rootless engine.</summary>
    [Parameter(ParameterSetName = "Rootless", Mandatory = true)]
    public SwitchParameter Rootless { get; set; }

    /// <summary>The user of the rootless engine.</summary>
    [Parameter(ParameterSetName = "Rootless")]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    public string? User { get; set; }

    /// <summary>Also removes what is kept otherwise.</summary>
    [Parameter(ParameterSetName = "Engine")]
    [Parameter(ParameterSetName = "Rootless")]
    public SwitchParameter Purge { get; set; }

    /// <summary>Returns the result.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool planOnly = IsPlanOnly;
        InstallResult result = RunHost((observer, cancellationToken) =>
            Task.FromResult(Rootless
                ? new BuildKitUninstaller(observer).UninstallRootless(User, Purge, planOnly, cancellationToken)
                : new BuildKitUninstaller(observer).Uninstall(Purge, planOnly, cancellationToken)));
        if (PassThru)
        {
            WriteObject(result);
        }
    }
}
