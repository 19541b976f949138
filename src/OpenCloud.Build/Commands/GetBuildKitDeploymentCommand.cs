using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <summary>Lists the engines that run on Kubernetes.</summary>
[Cmdlet(VerbsCommon.Get, "BuildKitDeployment")]
[OutputType(typeof(BuildKitDeployment))]
public sealed class GetBuildKitDeploymentCommand : KubernetesCmdlet
{
    /// <summary>The names of deployments.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [SupportsWildcards]
    [TextTransform(Other = typeof(BuildKitDeployment))]
    [ArgumentCompleter(typeof(BuildKitDeploymentCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>A deployment.</summary>
    [Parameter(ValueFromPipeline = true)]
    public BuildKitDeployment? InputObject { get; set; }

    /// <summary>Lists the deployments of every namespace.</summary>
    [Parameter]
    public SwitchParameter AllNamespaces { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (InputObject is { } known)
        {
            Guard(known, () =>
            {
                BuildKitDeployments deployments = Deployments(known);
                RunAsync(async (poster, cancellationToken) => poster.Output(await deployments.FindAsync(known.Name, cancellationToken).ConfigureAwait(false)));
            });
            return;
        }

        foreach (string? name in Name is { Length: > 0 } ? Name : (string?[])[null])
        {
            Guard(name, () =>
            {
                BuildKitDeployments deployments = Deployments();
                RunAsync(async (poster, cancellationToken) =>
                {
                    if (name is not null && !AllNamespaces && !WildcardPattern.ContainsWildcardCharacters(name))
                    {
                        poster.Output(await deployments.FindAsync(name, cancellationToken).ConfigureAwait(false));
                        return;
                    }

                    WildcardPattern pattern = WildcardPattern.Get(name ?? "*", WildcardOptions.CultureInvariant);
                    foreach (BuildKitDeployment deployment in await deployments.ListAsync(AllNamespaces, cancellationToken).ConfigureAwait(false))
                    {
                        if (pattern.IsMatch(deployment.Name))
                        {
                            poster.Output(deployment);
                        }
                    }
                });
            });
        }
    }
}
