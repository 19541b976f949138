using System.Management.Automation;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Rootless;

namespace OpenCloud.Build.Commands;

/// <summary>Takes an installed BuildKit to another version.</summary>
[Cmdlet(VerbsData.Update, "BuildKit", SupportsShouldProcess = true, DefaultParameterSetName = UriSet)]
[OutputType(typeof(InstallResult))]
public sealed class UpdateBuildKitCommand : BuildKitReleaseCommand
{
    /// <summary>Goes back to the version before the last update.</summary>
    [Parameter(ParameterSetName = "Rollback", Mandatory = true)]
    public SwitchParameter Rollback { get; set; }

    /// <inheritdoc/>
    private protected override InstallOptions Complete(InstallOptions options) => options with { Rollback = Rollback };

    /// <inheritdoc/>
    private protected override RootlessOptions Complete(RootlessOptions options) => options with { Update = true };

    /// <inheritdoc/>
    private protected override Task<InstallResult> ApplyAsync(BuildKitInstaller installer, InstallOptions options, bool planOnly, CancellationToken cancellationToken) =>
        installer.UpdateAsync(options, planOnly, cancellationToken);
}
