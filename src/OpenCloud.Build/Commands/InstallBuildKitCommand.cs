using System.Management.Automation;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Hosts;

namespace OpenCloud.Build.Commands;

/// <summary>Installs containerd and BuildKit on this host and starts them.</summary>
[Cmdlet(VerbsLifecycle.Install, "BuildKit", SupportsShouldProcess = true, DefaultParameterSetName = "Uri")]
[OutputType(typeof(InstallResult))]
public sealed class InstallBuildKitCommand : HostCmdlet
{
    /// <summary>The version of BuildKit.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(BuildKitVersionCompleter))]
    public string? Version { get; set; }

    /// <summary>Where the programs go.</summary>
    [Parameter]
    public string Prefix { get; set; } = "/usr/local";

    /// <summary>Who runs the containers of a build.</summary>
    [Parameter]
    public BuildKitWorker Worker { get; set; } = BuildKitWorker.Containerd;

    /// <summary>The containerd namespace.</summary>
    [Parameter]
    public string Namespace { get; set; } = "buildkit";

    /// <summary>The group that may use the engine.</summary>
    [Parameter]
    public string Group { get; set; } = "buildkit";

    /// <summary>A mirror.</summary>
    [Parameter(ParameterSetName = "Uri")]
    public Uri? Uri { get; set; }

    /// <summary>The archive as a file.</summary>
    [Parameter(ParameterSetName = "ArchivePath", Mandatory = true)]
    public string? ArchivePath { get; set; }

    /// <summary>The archive's sha256.</summary>
    [Parameter]
    public string? Sha256 { get; set; }

    /// <summary>Unpacks an archive that nothing proves.</summary>
    [Parameter]
    public SwitchParameter SkipVerification { get; set; }

    /// <summary>Leaves containerd alone.</summary>
    [Parameter]
    public SwitchParameter SkipContainerd { get; set; }

    /// <summary>Starts nothing.</summary>
    [Parameter]
    public SwitchParameter NoStart { get; set; }

    /// <summary>Gives the result.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool planOnly = IsPlanOnly;
        string? archive = ArchivePath is null ? null : GetUnresolvedProviderPathFromPSPath(ArchivePath);
        InstallResult result = RunHost((observer, cancellationToken) => new BuildKitInstaller(observer, EngineProbes.AskAsync).InstallAsync(
            new InstallOptions
            {
                Version = Version is null ? null : BuildKitVersion.Parse(Version),
                Prefix = Prefix,
                Worker = Worker,
                Namespace = Namespace,
                Group = Group,
                Uri = Uri,
                ArchivePath = archive,
                Sha256 = Sha256,
                SkipVerification = SkipVerification,
                SkipContainerd = SkipContainerd,
                NoStart = NoStart,
            },
            planOnly,
            cancellationToken));
        if (PassThru)
        {
            WriteObject(result);
        }
    }
}
