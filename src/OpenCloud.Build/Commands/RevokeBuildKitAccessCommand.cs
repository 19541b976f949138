using System.Management.Automation;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Host.Access;
using OpenCloud.Build.Hosts;

namespace OpenCloud.Build.Commands;

/// <summary>Takes the engine away from users and services.</summary>
[Cmdlet(VerbsSecurity.Revoke, "BuildKitAccess", SupportsShouldProcess = true)]
[OutputType(typeof(AccessReport))]
public sealed class RevokeBuildKitAccessCommand : HostCmdlet
{
    /// <summary>The users.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    public string[]? User { get; set; }

    /// <summary>The services.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    public string[]? Service { get; set; }

    /// <summary>containerd's socket instead of the engine's.</summary>
    [Parameter]
    public SwitchParameter Containerd { get; set; }

    /// <summary>The group.</summary>
    [Parameter]
    public string? Group { get; set; }

    /// <summary>Restarts services that run.</summary>
    [Parameter]
    public SwitchParameter Restart { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool planOnly = IsPlanOnly;
        IReadOnlyList<AccessReport> reports = RunHost((observer, _) => Task.FromResult(new BuildKitAccess(observer).Revoke(
            new AccessRequest
            {
                Users = User ?? (Service is null ? [InvokingUser.Name()] : []),
                Services = Service ?? [],
                Containerd = Containerd,
                Group = Group,
                Restart = Restart,
            },
            planOnly)));
        WriteObject(reports, enumerateCollection: true);
    }
}
