using System.Management.Automation;
using OpenCloud.Build.Host.Access;

namespace OpenCloud.Build.Commands;

/// <summary>Takes the engine away from users and services.</summary>
[Cmdlet(VerbsSecurity.Revoke, "BuildKitAccess", SupportsShouldProcess = true)]
[OutputType(typeof(AccessReport))]
public sealed class RevokeBuildKitAccessCommand : BuildKitAccessCommand
{
    /// <inheritdoc/>
    private protected override IReadOnlyList<AccessReport> Change(BuildKitAccess access, AccessRequest request, bool planOnly) =>
        access.Revoke(request, planOnly);
}
