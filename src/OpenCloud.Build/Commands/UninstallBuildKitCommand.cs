using System.Management.Automation;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Hosts;

namespace OpenCloud.Build.Commands;

/// <summary>Removes what Install-BuildKit installed.</summary>
[Cmdlet(VerbsLifecycle.Uninstall, "BuildKit", SupportsShouldProcess = true)]
[OutputType(typeof(InstallResult))]
public sealed class UninstallBuildKitCommand : HostCmdlet
{
    /// <summary>Also removes what stays otherwise.</summary>
    [Parameter]
    public SwitchParameter Purge { get; set; }

    /// <summary>Gives the result.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool planOnly = IsPlanOnly;
        InstallResult result = RunHost((observer, cancellationToken) =>
            Task.FromResult(new BuildKitUninstaller(observer).Uninstall(Purge, planOnly, cancellationToken)));
        if (PassThru)
        {
            WriteObject(result);
        }
    }
}
