using System.Management.Automation;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <summary>Creates an engine as a container of a Docker Engine or of containerd.</summary>
[Cmdlet(VerbsCommon.New, "BuildKitContainer", SupportsShouldProcess = true)]
[OutputType(typeof(BuildKitContainer))]
public sealed class NewBuildKitContainerCommand : ContainerChangeCmdlet
{
    /// <summary>The name of the container.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string Name { get; set; } = BuildKitContainers.DefaultName;

    /// <summary>The volume of the cache.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? CacheVolume { get; set; }

    /// <summary>Runs the engine without root privileges.</summary>
    [Parameter]
    public SwitchParameter Rootless { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(Name, () =>
    {
        BuildKitContainerRequest request = new()
        {
            Name = Name,
            Network = string.IsNullOrEmpty(Network) ? BuildKitContainers.NoNetwork : Network,
            CacheVolume = string.IsNullOrEmpty(CacheVolume) ? null : CacheVolume,
            IsRootless = Rootless,
        };
        Change(Containers(), request, Rootless ? BuildKitContainers.DefaultRootlessImage : BuildKitContainers.DefaultImage, isUpdate: false);
    });
}
