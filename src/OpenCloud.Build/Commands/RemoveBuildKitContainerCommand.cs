using System.Management.Automation;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <summary>Removes engines that run as containers.</summary>
[Cmdlet(VerbsCommon.Remove, "BuildKitContainer", DefaultParameterSetName = ObjectSet, SupportsShouldProcess = true)]
public sealed class RemoveBuildKitContainerCommand : ContainerCmdlet
{
    private const string NameSet = "Name";
    private const string ObjectSet = "InputObject";

    /// <summary>The names of the containers.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(BuildKitContainerNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Containers from Get-BuildKitContainer.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ObjectSet, ValueFromPipeline = true)]
    public BuildKitContainer[] InputObject { get; set; } = [];

    /// <summary>Keeps the volume of the cache.</summary>
    [Parameter]
    public SwitchParameter KeepCache { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == NameSet)
        {
            foreach (string name in Name)
            {
                Guard(name, () => Remove(Containers(), name));
            }

            return;
        }

        foreach (BuildKitContainer container in InputObject)
        {
            Guard(container, () => Remove(Containers(container), container.Name));
        }
    }

    private void Remove(BuildKitContainers containers, string name) => RunAsync(
        async (poster, cancellationToken) =>
        {
            string what = await DescribeAsync(containers, name, cancellationToken).ConfigureAwait(false);
            if (await poster.InvokeAsync(() => ShouldProcess($"{name} in {containers.Store}", what)).ConfigureAwait(false))
            {
                VsockPorts(poster).Close(name, containers.Store, cancellationToken);
                await containers.RemoveAsync(name, KeepCache, cancellationToken).ConfigureAwait(false);
            }
        },
        UndoGrace);

    private async Task<string> DescribeAsync(BuildKitContainers containers, string name, CancellationToken cancellationToken)
    {
        try
        {
            string volume = (await containers.GetAsync(name, cancellationToken).ConfigureAwait(false)).CacheVolume;
            return $"Remove the engine and its container; {(KeepCache ? $"keep its cache in the volume '{volume}'" : $"remove its cache, the volume '{volume}', if this module made it")}";
        }
        catch (BuildKitContainerException e) when (e.Problem == BuildKitContainerProblem.NotFound && !KeepCache)
        {
            // An earlier removal kept the cache, or did not come to it.
            if (await containers.FindCacheAsync(name, cancellationToken).ConfigureAwait(false) is { } volume)
            {
                return $"Remove the cache of an engine that was removed, the volume '{volume}'";
            }

            throw;
        }
    }
}
