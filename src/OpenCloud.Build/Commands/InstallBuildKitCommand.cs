using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Commands;

/// <summary>Installs containerd and BuildKit on this host and starts them.</summary>
[Cmdlet(VerbsLifecycle.Install, "BuildKit", SupportsShouldProcess = true, DefaultParameterSetName = UriSet)]
[OutputType(typeof(InstallResult))]
public sealed partial class InstallBuildKitCommand : BuildKitReleaseCommand
{
    /// <summary>The prefix of the programs.</summary>
    [Parameter]
    public string Prefix { get; set; } = "/usr/local";

    /// <summary>The worker that runs build containers.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    public BuildKitWorker Worker { get; set; }

    /// <summary>Installs an engine without a network.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    public SwitchParameter Isolated { get; set; }

    /// <summary>The AF_VSOCK port.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    [ValidateRange(0u, 4294967294u)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public uint VsockPort { get; set; }

    /// <summary>The IP address and port on which the engine also listens.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    [AllowEmptyString]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? ListenTcp { get; set; }

    /// <summary>The directory of the engine's certificates.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    [TextTransform("CertificateDirectory", TakesFiles = true)]
    public string? CertificateDirectory { get; set; }

    /// <summary>The containerd namespace.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string Namespace { get; set; } = "default";

    /// <summary>The group that may use the engine.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    [ArgumentCompleter(typeof(GroupCompleter))]
    public string Group { get; set; } = "buildkit";

    /// <summary>Does not install or change containerd.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    public SwitchParameter SkipContainerd { get; set; }

    /// <summary>Starts nothing.</summary>
    [Parameter]
    public SwitchParameter NoStart { get; set; }

    private string? _certificates;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            _certificates = CertificateDirectory is null ? null : DirectoryArguments.ResolveLiteral(this, CertificateDirectory);
        }
        catch (BuildErrorException e)
        {
            ThrowTerminatingError(e.ToRecord());
        }

        base.ProcessRecord();
    }

    private protected override void TranslateForRoot(IDictionary<string, object?> parameters)
    {
        base.TranslateForRoot(parameters);
        if (_certificates is not null)
        {
            parameters[nameof(CertificateDirectory)] = _certificates;
        }
    }

    private protected override InstallOptions Complete(InstallOptions options) => options with
    {
        Prefix = IsGiven(nameof(Prefix)) ? Prefix : null,
        Worker = IsGiven(nameof(Worker)) ? Worker : null,
        Isolated = IsGiven(nameof(Isolated)) ? Isolated.IsPresent : null,
        VsockPort = IsGiven(nameof(VsockPort)) ? VsockPort : null,
        ListenTcp = ListenTcp,
        CertificateDirectory = _certificates,
        Namespace = Namespace,
        Group = Group,
        SkipContainerd = SkipContainerd,
        NoStart = NoStart,
        Rootless = options.Rootless is null ? null : Complete(options.Rootless),
    };

    private protected override Task<InstallResult> ApplyAsync(BuildKitInstaller installer, InstallOptions options, bool planOnly, CancellationToken cancellationToken) =>
        installer.InstallAsync(options, planOnly, cancellationToken);

    private bool IsGiven(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);
}
