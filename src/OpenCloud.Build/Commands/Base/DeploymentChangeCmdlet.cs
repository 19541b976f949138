using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that change existing deployments.</summary>
public abstract class DeploymentChangeCmdlet : KubernetesCmdlet
{
    private protected const string NameSet = "Name";
    private protected const string ObjectSet = "InputObject";

    private protected DeploymentChangeCmdlet()
    {
    }

    /// <summary>The names of deployments.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true)]
    [TextTransform(Other = typeof(BuildKitDeployment))]
    [ArgumentCompleter(typeof(BuildKitDeploymentCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>A deployment from Get-BuildKitDeployment.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ObjectSet, ValueFromPipeline = true)]
    public BuildKitDeployment? InputObject { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (InputObject is { } known)
        {
            Guard(known.Name, () => Run(Deployments(known), known.Name, known.Namespace, known.Context));
            return;
        }

        foreach (string name in Name)
        {
            Guard(name, () => Run(Deployments(), name, NullIfEmpty(Namespace), NullIfEmpty(Context)));
        }
    }

    /// <summary>Changes one deployment.</summary>
    private protected abstract Task ChangeAsync(BuildKitDeployments deployments, BuildKitDeployment deployment, IPipelinePoster poster, CancellationToken cancellationToken);

    /// <summary>Changes what remains of a deployment that does not exist.</summary>
    /// <param name="deployments">The deployments of its namespace.</param>
    /// <param name="name">The name of the deployment.</param>
    /// <param name="description">What it is called in messages.</param>
    /// <param name="missing">The error that says that it does not exist.</param>
    /// <param name="poster">The pipeline.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    private protected virtual Task ChangeRemainsAsync(
        BuildKitDeployments deployments, string name, string description, KubernetesException missing, IPipelinePoster poster, CancellationToken cancellationToken) =>
        Task.FromException(missing);

    /// <summary>Checks the parameters before kubectl is started.</summary>
    /// <param name="name">The name of the deployment, for an error.</param>
    private protected virtual void CheckParameters(string name)
    {
    }

    private void Run(BuildKitDeployments deployments, string name, string? space, string? context)
    {
        CheckParameters(name);
        RunAsync(async (poster, cancellationToken) =>
        {
            BuildKitDeployment deployment;
            try
            {
                deployment = await deployments.FindAsync(name, cancellationToken).ConfigureAwait(false);
            }
            catch (KubernetesException e) when (e.Problem == KubernetesProblem.NotFound)
            {
                await ChangeRemainsAsync(deployments, name, Describe("The remains of", name, space, context), e, poster, cancellationToken).ConfigureAwait(false);
                return;
            }

            await ChangeAsync(deployments, deployment, poster, cancellationToken).ConfigureAwait(false);
        });
    }
}
