using System.Management.Automation;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Hosts;

namespace OpenCloud.Build.Commands;

/// <summary>Takes an installed BuildKit to another version.</summary>
[Cmdlet(VerbsData.Update, "BuildKit", SupportsShouldProcess = true, DefaultParameterSetName = "Uri")]
[OutputType(typeof(InstallResult))]
public sealed class UpdateBuildKitCommand : HostCmdlet
{
    /// <summary>The version of BuildKit.</summary>
    [Parameter(Position = 0, ParameterSetName = "Uri")]
    [Parameter(Position = 0, ParameterSetName = "ArchivePath")]
    [ArgumentCompleter(typeof(BuildKitVersionCompleter))]
    public string? Version { get; set; }

    /// <summary>A mirror.</summary>
    [Parameter(ParameterSetName = "Uri")]
    public Uri? Uri { get; set; }

    /// <summary>The archive as a file.</summary>
    [Parameter(ParameterSetName = "ArchivePath", Mandatory = true)]
    public string? ArchivePath { get; set; }

    /// <summary>The archive's sha256.</summary>
    [Parameter(ParameterSetName = "Uri")]
    [Parameter(ParameterSetName = "ArchivePath")]
    public string? Sha256 { get; set; }

    /// <summary>Unpacks an archive that nothing proves.</summary>
    [Parameter(ParameterSetName = "Uri")]
    [Parameter(ParameterSetName = "ArchivePath")]
    public SwitchParameter SkipVerification { get; set; }

    /// <summary>Goes back to the version before the last update.</summary>
    [Parameter(ParameterSetName = "Rollback", Mandatory = true)]
    public SwitchParameter Rollback { get; set; }

    /// <summary>Gives the result.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool planOnly = IsPlanOnly;
        string? archive = ArchivePath is null ? null : GetUnresolvedProviderPathFromPSPath(ArchivePath);
        InstallResult result = RunHost((observer, cancellationToken) => new BuildKitInstaller(observer, EngineProbes.AskAsync).UpdateAsync(
            new InstallOptions
            {
                Version = Version is null ? null : BuildKitVersion.Parse(Version),
                Uri = Uri,
                ArchivePath = archive,
                Sha256 = Sha256,
                SkipVerification = SkipVerification,
                Rollback = Rollback,
            },
            planOnly,
            cancellationToken));
        if (PassThru)
        {
            WriteObject(result);
        }
    }
}
