using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets for engines on Kubernetes: the cluster and the namespace, and the time for each command of kubectl.</summary>
public abstract class KubernetesCmdlet : BuildCmdlet
{
    private protected KubernetesCmdlet()
    {
    }

    /// <summary>The context of kubectl's configuration.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(KubernetesContextCompleter))]
    public string? Context { get; set; }

    /// <summary>The namespace.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(KubernetesNamespaceCompleter))]
    public string? Namespace { get; set; }

    /// <summary>The longest time of each command of kubectl.</summary>
    [Parameter]
    [DurationTransform]
    [ArgumentCompleter(typeof(DurationCompleter))]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The deployments of the namespace that an object or the parameters name.</summary>
    private protected BuildKitDeployments Deployments(BuildKitDeployment? deployment = null, Action<string>? onWarning = null)
    {
        if (Timeout <= TimeSpan.Zero)
        {
            throw ErrorCatalog.InvalidDuration.ToException(Timeout, null, nameof(Timeout));
        }

        return new BuildKitDeployments(deployment is null ? NullIfEmpty(Context) : deployment.Context, deployment is null ? NullIfEmpty(Namespace) : deployment.Namespace, Timeout) { OnWarning = onWarning };
    }

    private protected static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <summary>What a deployment is called in messages.</summary>
    private protected static string Describe(string kind, string name, string? space, string? context) =>
        $"{kind} {name} in {(space is null ? "the current namespace" : $"the namespace {space}")} of {(context is null ? "the current context" : $"the context {context}")}";

    private protected static string Describe(BuildKitDeployment deployment) => Describe(deployment.Kind.ToString(), deployment.Name, deployment.Namespace, deployment.Context);

    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        KubernetesException { Problem: KubernetesProblem.Certificates } failure => TlsErrors.Of(failure.Tls).ToRecord(target, failure, failure.Message),
        KubernetesException failure => EntryOf(failure.Problem).ToRecord(target, failure, failure.Message),
        _ => base.ToRecord(exception, target),
    };

    private static ErrorEntry EntryOf(KubernetesProblem problem) => problem switch
    {
        KubernetesProblem.InvalidInput => ErrorCatalog.InvalidDeployment,
        KubernetesProblem.ProgramNotFound => ErrorCatalog.KubectlNotFound,
        KubernetesProblem.ContextNotFound => ErrorCatalog.KubernetesContextNotFound,
        KubernetesProblem.NamespaceNotFound => ErrorCatalog.KubernetesNamespaceNotFound,
        KubernetesProblem.NotFound => ErrorCatalog.DeploymentNotFound,
        KubernetesProblem.Exists => ErrorCatalog.DeploymentExists,
        KubernetesProblem.Conflict => ErrorCatalog.KubernetesConflict,
        KubernetesProblem.Forbidden => ErrorCatalog.KubernetesForbidden,
        KubernetesProblem.LoginRefused => ErrorCatalog.KubernetesLoginRefused,
        KubernetesProblem.Unreachable => ErrorCatalog.KubernetesUnreachable,
        KubernetesProblem.TimedOut => ErrorCatalog.KubernetesTimedOut,
        KubernetesProblem.Rejected => ErrorCatalog.KubernetesRejected,
        KubernetesProblem.NotReady => ErrorCatalog.DeploymentWaitTimedOut,
        _ => ErrorCatalog.KubectlFailed,
    };
}
