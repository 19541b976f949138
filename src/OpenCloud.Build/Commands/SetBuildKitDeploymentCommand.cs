using System.Management.Automation;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Changes the number of pods or the image of engines on Kubernetes.</summary>
[Cmdlet(VerbsCommon.Set, "BuildKitDeployment", DefaultParameterSetName = ObjectSet, SupportsShouldProcess = true)]
[OutputType(typeof(BuildKitDeployment))]
public sealed class SetBuildKitDeploymentCommand : DeploymentChangeCmdlet
{
    /// <summary>The number of pods.</summary>
    [Parameter]
    [ValidateRange(0, 10_000)]
    [ArgumentCompleter(typeof(ReplicasCompleter))]
    public int? Replicas { get; set; }

    /// <summary>The image of buildkitd.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? Image { get; set; }

    /// <summary>Returns the changed deployment.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void CheckParameters(string name)
    {
        string? image = NullIfEmpty(Image);
        if (image is not null)
        {
            BuildKitDeployments.CheckImage(image);
        }
        else if (Replicas is null)
        {
            throw ErrorCatalog.InvalidDeployment.ToException(name, null, "Neither -Replicas nor -Image was given.");
        }
    }

    private protected override async Task ChangeAsync(BuildKitDeployments deployments, BuildKitDeployment deployment, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        bool changed = false;
        if (NullIfEmpty(Image) is { } image && await poster.InvokeAsync(() => ShouldProcess(Describe(deployment), $"Change the image from {deployment.Image} to {image}")).ConfigureAwait(false))
        {
            await deployments.SetImageAsync(deployment, image, cancellationToken).ConfigureAwait(false);
            changed = true;
        }

        if (Replicas is { } replicas && await poster.InvokeAsync(() => ShouldProcess(Describe(deployment), $"Change the number of pods from {deployment.Replicas} to {replicas}")).ConfigureAwait(false))
        {
            await deployments.ScaleAsync(deployment, replicas, cancellationToken).ConfigureAwait(false);
            changed = true;
        }

        if (changed && PassThru)
        {
            poster.Output(await deployments.FindAsync(deployment.Name, cancellationToken).ConfigureAwait(false));
        }
    }
}
