using System.Management.Automation;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Removes engines from Kubernetes.</summary>
[Cmdlet(VerbsCommon.Remove, "BuildKitDeployment", DefaultParameterSetName = ObjectSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
public sealed class RemoveBuildKitDeploymentCommand : DeploymentChangeCmdlet
{
    /// <summary>Also removes the volumes with the caches.</summary>
    [Parameter]
    public SwitchParameter Purge { get; set; }

    private protected override async Task ChangeAsync(BuildKitDeployments deployments, BuildKitDeployment deployment, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        if (await poster.InvokeAsync(() => ShouldProcess(Describe(deployment), Purge ? "Remove with the volumes of its caches" : "Remove")).ConfigureAwait(false))
        {
            await deployments.RemoveAsync(deployment, Purge, cancellationToken).ConfigureAwait(false);
        }
    }

    private protected override async Task ChangeRemainsAsync(
        BuildKitDeployments deployments, string name, string description, KubernetesException missing, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> remains = await deployments.FindRemainsAsync(name, Purge, cancellationToken).ConfigureAwait(false);
        if (await poster.InvokeAsync(() => ShouldProcess(description, $"Remove {string.Join(", ", remains)}")).ConfigureAwait(false))
        {
            await deployments.RemoveRemainsAsync(name, Purge, cancellationToken).ConfigureAwait(false);
        }
    }
}
