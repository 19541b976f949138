using System.Management.Automation;
using OpenCloud.Build.Host.Access;

namespace OpenCloud.Build.Commands;

/// <summary>Lets users and services use the engine.</summary>
[Cmdlet(VerbsSecurity.Grant, "BuildKitAccess", SupportsShouldProcess = true)]
[OutputType(typeof(AccessReport))]
public sealed class GrantBuildKitAccessCommand : BuildKitAccessCommand
{
    /// <inheritdoc/>
    private protected override IReadOnlyList<AccessReport> Change(BuildKitAccess access, AccessRequest request, bool planOnly) =>
        access.Grant(request, planOnly);
}
