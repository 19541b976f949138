using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Engines on Kubernetes. Argument 0 is what happened, in one or more sentences.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry InvalidDeployment = new(
        "InvalidDeployment",
        ErrorCategory.InvalidArgument,
        "{0}",
        "Correct the value. Nothing was started or changed.");

    public static readonly ErrorEntry KubectlNotFound = new(
        "KubectlNotFound",
        ErrorCategory.NotInstalled,
        "{0}",
        "Install kubectl 1.31 or later, or add its directory to $env:PATH.");

    public static readonly ErrorEntry KubectlFailed = new(
        "KubectlFailed",
        ErrorCategory.InvalidResult,
        "{0}",
        "Correct what kubectl reports.");

    public static readonly ErrorEntry KubernetesContextNotFound = new(
        "KubernetesContextNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check -Context with 'kubectl config get-contexts', and the file that $env:KUBECONFIG names.");

    public static readonly ErrorEntry DeploymentNotFound = new(
        "DeploymentNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the name with Get-BuildKitDeployment -AllNamespaces or kubectl, and use -Namespace and -Context, or ?namespace= and ?context= in an address.");

    public static readonly ErrorEntry DeploymentNotReady = new(
        "DeploymentNotReady",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Wait for the pods with Wait-BuildKit, or use a longer -ConnectTimeout. 'kubectl describe pods' shows why a pod does not become ready.");

    public static readonly ErrorEntry DeploymentWaitTimedOut = new(
        "DeploymentWaitTimedOut",
        ErrorCategory.OperationTimeout,
        "{0}",
        "Fix what the message says about the pods and run New-BuildKitDeployment again, or use a longer -Timeout. 'kubectl describe pods' shows the events of a pod. Remove-BuildKitDeployment removes the deployment.");

    public static readonly ErrorEntry DeploymentExists = new(
        "DeploymentExists",
        ErrorCategory.ResourceExists,
        "{0}",
        "Use another -Name, or the kind, -CacheSize and -StorageClass of the existing deployment; to replace it, remove it first with Remove-BuildKitDeployment or kubectl.");

    public static readonly ErrorEntry KubernetesConflict = new(
        "KubernetesConflict",
        ErrorCategory.ResourceBusy,
        "{0}",
        "Use the values that the other manager has set, or -Force to replace them.");

    public static readonly ErrorEntry KubernetesTimedOut = new(
        "KubernetesTimedOut",
        ErrorCategory.OperationTimeout,
        "{0}",
        "Check the cluster with 'kubectl version', or use a longer -Timeout.");

    public static readonly ErrorEntry KubernetesRejected = new(
        "KubernetesRejected",
        ErrorCategory.InvalidData,
        "{0}",
        "Correct what the API server reports. The cluster must have Kubernetes 1.30 or later.");
}
