using System.Management.Automation;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Host.Installations;

namespace OpenCloud.Build.Commands;

/// <summary>Gets the state of BuildKit on this host.</summary>
[Cmdlet(VerbsCommon.Get, "BuildKitInstallation")]
[OutputType(typeof(BuildKitInstallation))]
public sealed class GetBuildKitInstallationCommand : HostCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (RunHost((_, _) => Task.FromResult(BuildKitInstallation.Find())) is { } found)
        {
            WriteObject(found);
        }

        WriteObject(RunHost((_, _) => Task.FromResult(RootlessInstallations.Find())), enumerateCollection: true);
    }
}
