using System.Management.Automation;
using OpenCloud.Build.Host.Access;

namespace OpenCloud.Build.Commands;

/// <summary>Revokes the access of users and services to the engine.</summary>
[Cmdlet(VerbsSecurity.Revoke, "BuildKitAccess", SupportsShouldProcess = true, DefaultParameterSetName = EngineSet)]
[OutputType(typeof(AccessReport))]
public sealed class RevokeBuildKitAccessCommand : BuildKitAccessCommand
{
    private protected override IReadOnlyList<AccessReport> Change(BuildKitAccess access, AccessRequest request, bool planOnly) =>
        access.Revoke(request, planOnly);

    private protected override Task<IReadOnlyList<AccessReport>> ChangeAsync(RootlessAccess access, AccessRequest request, bool planOnly, CancellationToken cancellationToken) =>
        Task.FromResult(access.Revoke(request, EngineUser, planOnly, cancellationToken));
}
