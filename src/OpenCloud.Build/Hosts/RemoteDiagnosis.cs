using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Diagnosis;

namespace OpenCloud.Build.Hosts;

/// <summary>The steps of a connection that a program carries, and the one that fails.</summary>
internal static class RemoteDiagnosis
{
    private const string Program = "Program";
    private const string Login = "Login";
    private const string ContainerEngine = "Container engine";
    private const string Container = "Container";
    private const string Cluster = "Cluster";
    private const string Deployment = "Deployment";
    private const string Pod = "Pod";
    private const string Helper = "Helper program";
    private const string Socket = "Socket there";

    /// <summary>The steps up to the one that failed, or all of them; none for an address without a program, and none that is not known to be passed.</summary>
    public static IEnumerable<DiagnosisCheck> Steps(EngineAddress address, EngineConnectException? error)
    {
        string[] steps = address.Scheme switch
        {
            "ssh" or "docker+ssh" => [Program, Login, Helper, Socket],
            "docker-container" or "podman-container" or "nerdctl-container" => [Program, ContainerEngine, Container, Helper, Socket],
            "kube-pod" => [Program, Cluster, Pod, Helper, Socket],
            "kube-deployment" => [Program, Cluster, Deployment, Pod, Helper, Socket],
            _ => [],
        };
        if (error is null)
        {
            return steps.Select(static step => new DiagnosisCheck(step, CheckState.Ok, "passed"));
        }

        string? failed = StepOf(error, steps);
        return failed is null
            ? steps.Take(1).Select(static step => new DiagnosisCheck(step, CheckState.Ok, "passed"))
            : [.. steps.TakeWhile(step => step != failed).Select(static step => new DiagnosisCheck(step, CheckState.Ok, "passed")), new DiagnosisCheck(failed, CheckState.Failed, error.Message)];
    }

    private static string? StepOf(EngineConnectException error, string[] steps)
    {
        // The pods of a deployment are read before the connection to one of them, whose address is then that of the error.
        bool isBeforePod = steps.Contains(Deployment) && error.Address?.Scheme != "kube-pod";
        string? step = error.Reason switch
        {
            EngineConnectReason.DeploymentNotFound => Deployment,
            EngineConnectReason.NamespaceNotFound or EngineConnectReason.ClusterForbidden when isBeforePod => Deployment,
            EngineConnectReason.NoReadyPod => Pod,
            EngineConnectReason.Timeout when steps.Contains(Deployment) && !isBeforePod => Pod,
            EngineConnectReason.Timeout when isBeforePod && error.InnerException is KubernetesException => Cluster,
            EngineConnectReason.ProgramNotFound => Program,
            EngineConnectReason.HostNotFound => steps.Contains(Cluster) ? Cluster : Login,
            EngineConnectReason.Unreachable => steps.Contains(Pod) ? Pod : Login,
            EngineConnectReason.HostKeyRejected or EngineConnectReason.HostKeyChanged or EngineConnectReason.LoginRefused
                or EngineConnectReason.HostNotListening or EngineConnectReason.NotAnSshServer => Login,
            EngineConnectReason.ContainerEngineUnreachable or EngineConnectReason.ContainerEngineForbidden => ContainerEngine,
            EngineConnectReason.ContextNotFound => steps.Contains(Cluster) ? Cluster : ContainerEngine,
            EngineConnectReason.ClusterUnreachable or EngineConnectReason.ClusterLoginRefused or EngineConnectReason.CredentialPluginFailed => Cluster,
            EngineConnectReason.ContainerNotFound => Container,
            EngineConnectReason.ContainerNotRunning => steps.Contains(Pod) ? Pod : Container,
            EngineConnectReason.NamespaceNotFound or EngineConnectReason.PodNotFound or EngineConnectReason.PodContainerNotFound or EngineConnectReason.ClusterForbidden => Pod,
            EngineConnectReason.HelperNotFound => Helper,
            EngineConnectReason.Refused or EngineConnectReason.PermissionDenied => Socket,
            _ => null,
        };
        return step is not null && steps.Contains(step) ? step : null;
    }
}
