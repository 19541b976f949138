using System.Management.Automation;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <summary>Replaces an engine in a container when its image or a setting changed.</summary>
[Cmdlet(VerbsData.Update, "BuildKitContainer", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(BuildKitContainer))]
public sealed class UpdateBuildKitContainerCommand : ContainerChangeCmdlet
{
    private const string NameSet = "Name";
    private const string ObjectSet = "InputObject";

    /// <summary>The names of the containers.</summary>
    [Parameter(Position = 0, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(BuildKitContainerNameCompleter))]
    public string[] Name { get; set; } = [BuildKitContainers.DefaultName];

    /// <summary>Containers from Get-BuildKitContainer.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ObjectSet, ValueFromPipeline = true)]
    public BuildKitContainer[] InputObject { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == NameSet)
        {
            foreach (string name in Name)
            {
                Guard(name, () => Update(Containers(), name));
            }

            return;
        }

        foreach (BuildKitContainer container in InputObject)
        {
            Guard(container, () => Update(Containers(container), container.Name));
        }
    }

    private void Update(BuildKitContainers containers, string name) =>
        Change(containers, new BuildKitContainerRequest { Name = name, Network = string.IsNullOrEmpty(Network) ? null : Network }, null, isUpdate: true);
}
