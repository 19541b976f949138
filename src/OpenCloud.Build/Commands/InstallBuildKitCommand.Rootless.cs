using System.Management.Automation;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Commands;

/// <content>The parameters of a rootless engine.</content>
public sealed partial class InstallBuildKitCommand
{
    /// <summary>Installs a system unit.</summary>
    [Parameter(ParameterSetName = RootlessSet)]
    [Parameter(ParameterSetName = RootlessArchivePathSet)]
    public SwitchParameter SystemUnit { get; set; }

    /// <summary>The directory of the engine's state.</summary>
    [Parameter(ParameterSetName = RootlessSet)]
    [Parameter(ParameterSetName = RootlessArchivePathSet)]
    public string? StateDirectory { get; set; }

    /// <summary>The local path of RootlessKit's archive.</summary>
    [Parameter(ParameterSetName = RootlessSet)]
    [Parameter(ParameterSetName = RootlessArchivePathSet)]
    public string? RootlessKitArchivePath { get; set; }

    /// <summary>The address of RootlessKit's archive.</summary>
    [Parameter(ParameterSetName = RootlessSet)]
    [Parameter(ParameterSetName = RootlessArchivePathSet)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public Uri? RootlessKitUri { get; set; }

    /// <summary>The sha256 of RootlessKit's archive.</summary>
    [Parameter(ParameterSetName = RootlessSet)]
    [Parameter(ParameterSetName = RootlessArchivePathSet)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? RootlessKitSha256 { get; set; }

    private RootlessOptions Complete(RootlessOptions options) => options with
    {
        StateDirectory = StateDirectory,
        SystemUnit = SystemUnit,
        RootlessKitArchivePath = RootlessKitArchivePath is null ? null : GetUnresolvedProviderPathFromPSPath(RootlessKitArchivePath),
        RootlessKitUri = RootlessKitUri,
        RootlessKitSha256 = RootlessKitSha256,
    };
}
