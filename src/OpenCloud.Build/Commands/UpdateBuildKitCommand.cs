using System.Management.Automation;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Commands;

/// <summary>Changes the version of an installed BuildKit.</summary>
[Cmdlet(VerbsData.Update, "BuildKit", SupportsShouldProcess = true, DefaultParameterSetName = UriSet)]
[OutputType(typeof(InstallResult))]
public sealed class UpdateBuildKitCommand : BuildKitReleaseCommand
{
    private const string RootlessRollbackSet = "RootlessRollback";

    /// <inheritdoc/>
    [Parameter(ParameterSetName = RootlessSet, Mandatory = true)]
    [Parameter(ParameterSetName = RootlessArchivePathSet, Mandatory = true)]
    [Parameter(ParameterSetName = RootlessRollbackSet, Mandatory = true)]
    public override SwitchParameter Rootless { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = RootlessSet)]
    [Parameter(ParameterSetName = RootlessArchivePathSet)]
    [Parameter(ParameterSetName = RootlessRollbackSet)]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    public override string? User { get; set; }

    /// <summary>Restores the version before the last update.</summary>
    [Parameter(ParameterSetName = "Rollback", Mandatory = true)]
    [Parameter(ParameterSetName = RootlessRollbackSet, Mandatory = true)]
    public SwitchParameter Rollback { get; set; }

    private protected override InstallOptions Complete(InstallOptions options) => options with { Rollback = Rollback };

    private protected override Task<InstallResult> ApplyAsync(BuildKitInstaller installer, InstallOptions options, bool planOnly, CancellationToken cancellationToken) =>
        installer.UpdateAsync(options, planOnly, cancellationToken);
}
