using System.Management.Automation;
using OpenCloud.Build.Host.Access;

namespace OpenCloud.Build.Commands;

/// <summary>Grants users and services access to the engine.</summary>
[Cmdlet(VerbsSecurity.Grant, "BuildKitAccess", SupportsShouldProcess = true, DefaultParameterSetName = EngineSet)]
[OutputType(typeof(AccessReport))]
public sealed class GrantBuildKitAccessCommand : BuildKitAccessCommand
{
    private protected override IReadOnlyList<AccessReport> Change(BuildKitAccess access, AccessRequest request, bool planOnly) =>
        access.Grant(request, planOnly);

    private protected override Task<IReadOnlyList<AccessReport>> ChangeAsync(RootlessAccess access, AccessRequest request, bool planOnly, CancellationToken cancellationToken) =>
        access.GrantAsync(request, EngineUser, planOnly, cancellationToken);
}
