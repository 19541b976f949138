using System.Management.Automation;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Hosts;

namespace OpenCloud.Build.Commands;

/// <summary>The base class of the cmdlets that install a release of BuildKit on this host: its version, source and verification.</summary>
public abstract class BuildKitReleaseCommand : HostCmdlet
{
    private protected const string UriSet = "Uri";

    private protected const string ArchivePathSet = "ArchivePath";

    private protected const string RootlessSet = "Rootless";

    private protected const string RootlessArchivePathSet = "RootlessArchivePath";

    // The variables that HttpClient.DefaultProxy reads.
    private static readonly string[] ProxyVariables = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

    private protected BuildKitReleaseCommand()
    {
    }

    /// <summary>The version of BuildKit.</summary>
    [Parameter(Position = 0, ParameterSetName = UriSet)]
    [Parameter(Position = 0, ParameterSetName = ArchivePathSet)]
    [Parameter(Position = 0, ParameterSetName = RootlessSet)]
    [Parameter(Position = 0, ParameterSetName = RootlessArchivePathSet)]
    [ArgumentCompleter(typeof(BuildKitVersionCompleter))]
    public string? Version { get; set; }

    /// <summary>Selects a rootless engine.</summary>
    [Parameter(ParameterSetName = RootlessSet, Mandatory = true)]
    [Parameter(ParameterSetName = RootlessArchivePathSet, Mandatory = true)]
    public virtual SwitchParameter Rootless { get; set; }

    /// <summary>The user of the rootless engine.</summary>
    [Parameter(ParameterSetName = RootlessSet)]
    [Parameter(ParameterSetName = RootlessArchivePathSet)]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    public virtual string? User { get; set; }

    /// <summary>The address of a mirror.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = RootlessSet)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public Uri? Uri { get; set; }

    /// <summary>The local path of the archive.</summary>
    [Parameter(ParameterSetName = ArchivePathSet, Mandatory = true)]
    [Parameter(ParameterSetName = RootlessArchivePathSet, Mandatory = true)]
    public string? ArchivePath { get; set; }

    /// <summary>The archive's sha256.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    [Parameter(ParameterSetName = RootlessSet)]
    [Parameter(ParameterSetName = RootlessArchivePathSet)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? Sha256 { get; set; }

    /// <summary>Unpacks an archive without verification.</summary>
    [Parameter(ParameterSetName = UriSet)]
    [Parameter(ParameterSetName = ArchivePathSet)]
    [Parameter(ParameterSetName = RootlessSet)]
    [Parameter(ParameterSetName = RootlessArchivePathSet)]
    public SwitchParameter SkipVerification { get; set; }

    /// <summary>Returns the result.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool planOnly = IsPlanOnly;
        string? archive = ArchivePath is null ? null : GetUnresolvedProviderPathFromPSPath(ArchivePath);
        InstallResult result = RunHost((observer, cancellationToken) =>
            ApplyAsync(new BuildKitInstaller(observer, EngineProbes.AskAsync), Complete(Options(archive)), planOnly, cancellationToken));
        if (PassThru)
        {
            WriteObject(result);
        }
    }

    private protected override void TranslateForRoot(IDictionary<string, object?> parameters)
    {
        foreach (string path in parameters.Keys.Where(name => name.EndsWith("Path", StringComparison.Ordinal)).ToArray())
        {
            parameters[path] = GetUnresolvedProviderPathFromPSPath((string)parameters[path]!);
        }
    }

    private protected override IReadOnlyList<string> EnvironmentForRoot() =>
        [.. ProxyVariables.Where(name => ArchivePath is null && !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)))];

    /// <summary>Adds the options of this cmdlet only.</summary>
    private protected abstract InstallOptions Complete(InstallOptions options);

    /// <summary>Installs the release on this host, or plans the changes.</summary>
    private protected abstract Task<InstallResult> ApplyAsync(BuildKitInstaller installer, InstallOptions options, bool planOnly, CancellationToken cancellationToken);

    private InstallOptions Options(string? archive) => new()
    {
        Version = Version is null ? null : BuildKitVersion.Parse(Version),
        Uri = Uri,
        ArchivePath = archive,
        Sha256 = Sha256,
        SkipVerification = SkipVerification,
        Rootless = Rootless ? new RootlessOptions { User = User } : null,
    };
}
