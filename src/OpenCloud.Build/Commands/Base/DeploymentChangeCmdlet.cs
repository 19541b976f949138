using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that change existing deployments.</summary>
public abstract class DeploymentChangeCmdlet : KubernetesCmdlet
{
    private protected DeploymentChangeCmdlet()
    {
    }

    /// <summary>The names of deployments.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [TextTransform(Other = typeof(BuildKitDeployment))]
    [ArgumentCompleter(typeof(BuildKitDeploymentCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>A deployment from Get-BuildKitDeployment.</summary>
    [Parameter(ValueFromPipeline = true)]
    public BuildKitDeployment? InputObject { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (InputObject is { } known)
        {
            Guard(known.Name, () => Run(Deployments(known), known.Name));
            return;
        }

        foreach (string name in Name)
        {
            Guard(name, () => Run(Deployments(), name));
        }
    }

    /// <summary>Changes one deployment.</summary>
    private protected abstract Task ChangeAsync(BuildKitDeployments deployments, BuildKitDeployment deployment, IPipelinePoster poster, CancellationToken cancellationToken);

    /// <summary>Checks the parameters before kubectl is started.</summary>
    private protected virtual void CheckParameters()
    {
    }

    private void Run(BuildKitDeployments deployments, string name)
    {
        CheckParameters();
        RunAsync(async (poster, cancellationToken) =>
            await ChangeAsync(deployments, await deployments.FindAsync(name, cancellationToken).ConfigureAwait(false), poster, cancellationToken).ConfigureAwait(false));
    }
}
