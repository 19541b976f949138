using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Host.Access;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Hosts;

namespace OpenCloud.Build.Commands;

/// <summary>The base class of the cmdlets that change who may use the engine.</summary>
public abstract class BuildKitAccessCommand : HostCmdlet
{
    private protected const string EngineSet = "Engine";

    private protected const string RootlessSet = "Rootless";

    private protected BuildKitAccessCommand()
    {
    }

    /// <summary>The users.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    [TextTransform("User", Other = typeof(AccessReport))]
    public string[]? User { get; set; }

    /// <summary>Users and services, as this cmdlet and its counterpart report them.</summary>
    [Parameter(ValueFromPipeline = true, DontShow = true)]
    public AccessReport[]? InputObject { get; set; }

    /// <summary>The services.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    public string[]? Service { get; set; }

    /// <summary>Uses containerd's socket instead of the engine's.</summary>
    [Parameter(ParameterSetName = EngineSet)]
    public SwitchParameter Containerd { get; set; }

    /// <summary>The group.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(GroupCompleter))]
    public string? Group { get; set; }

    /// <summary>Selects a rootless engine.</summary>
    [Parameter(ParameterSetName = RootlessSet, Mandatory = true)]
    public SwitchParameter Rootless { get; set; }

    /// <summary>The user of the rootless engine.</summary>
    [Parameter(ParameterSetName = RootlessSet)]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    public string? EngineUser { get; set; }

    /// <summary>Restarts running services.</summary>
    [Parameter]
    public SwitchParameter Restart { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool planOnly = IsPlanOnly;
        WriteObject(
            RunHost((observer, cancellationToken) => Rootless
                ? ChangeAsync(new RootlessAccess(observer, EngineProbes.AskAsync), Request(), planOnly, cancellationToken)
                : Task.FromResult(Change(new BuildKitAccess(observer), Request(), planOnly))),
            enumerateCollection: true);
    }

    /// <summary>Makes the change, or plans it.</summary>
    private protected abstract IReadOnlyList<AccessReport> Change(BuildKitAccess access, AccessRequest request, bool planOnly);

    /// <summary>Makes the change for a rootless engine, or plans it.</summary>
    private protected abstract Task<IReadOnlyList<AccessReport>> ChangeAsync(RootlessAccess access, AccessRequest request, bool planOnly, CancellationToken cancellationToken);

    private AccessRequest Request() => new()
    {
        // Without a name, the user is the caller, also under sudo.
        Users = PrincipalsOf(PrincipalKind.User) ?? User ?? (Service is null ? [InvokingUser.Name()] : []),
        Services = PrincipalsOf(PrincipalKind.Service) ?? Service ?? [],
        Containerd = Containerd,
        Group = Group,
        Restart = Restart,
    };

    private string[]? PrincipalsOf(PrincipalKind kind) =>
        InputObject is null ? null : [.. InputObject.Where(report => report.Kind == kind).Select(static report => report.Principal)];
}
