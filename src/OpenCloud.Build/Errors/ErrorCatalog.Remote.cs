using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Engines that a program connects to. Argument 0 is what happened, in one or more sentences.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry ConnectionProgramNotFound = new(
        "ConnectionProgramNotFound",
        ErrorCategory.NotInstalled,
        "{0}",
        "Install the program, or add its directory to $env:PATH: ssh:// requires ssh, docker-container:// docker, podman-container:// podman, nerdctl-container:// nerdctl, and kube-pod:// and kube-deployment:// kubectl.");

    public static readonly ErrorEntry ConnectionProgramFailed = new(
        "ConnectionProgramFailed",
        ErrorCategory.ConnectionError,
        "{0}",
        "Correct what the program reports. For ssh, 'ssh HOST true' in a terminal must succeed without a question; for a container, 'docker exec NAME true'; for a pod, 'kubectl exec NAME -- true'.");

    public static readonly ErrorEntry HostKeyRejected = new(
        "HostKeyRejected",
        ErrorCategory.SecurityError,
        "{0}",
        "Connect once with 'ssh HOST' in a terminal and compare the key that it shows with the host's, or add the key to ~/.ssh/known_hosts.");

    public static readonly ErrorEntry HostKeyChanged = new(
        "HostKeyChanged",
        ErrorCategory.SecurityError,
        "{0}",
        "Ask the administrator of the host whether its key has changed: another machine may answer in its place. Only then remove the old key (ssh-keygen -R HOST), connect with 'ssh HOST' in a terminal, and compare the new key.");

    public static readonly ErrorEntry EngineLoginRefused = new(
        "EngineLoginRefused",
        ErrorCategory.AuthenticationError,
        "{0}",
        "Check the user of the address. ssh never asks for a password or a passphrase here: load the key into an agent (ssh-add), or name a key without a passphrase in ~/.ssh/config. 'ssh -o BatchMode=yes HOST true' must succeed.");

    public static readonly ErrorEntry SshServerNotListening = new(
        "SshServerNotListening",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check the host and the port of the address (ssh://HOST:PORT), and that the SSH server of the host is running.");

    public static readonly ErrorEntry SshServerNotFound = new(
        "SshServerNotFound",
        ErrorCategory.ProtocolError,
        "{0}",
        "Check the host and the port of the address (ssh://HOST:PORT): another service may listen there. An SSH server that closes the connection at once may refuse this machine, or have too many logins in progress; its log says why.");

    public static readonly ErrorEntry EngineHostNotFound = new(
        "EngineHostNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the spelling of the host, and the name resolution of this machine ('getent hosts HOST'). For ssh, the host can also be an alias of ~/.ssh/config.");

    public static readonly ErrorEntry RemoteEngineNotListening = new(
        "RemoteEngineNotListening",
        ErrorCategory.ConnectionError,
        "{0}",
        "Start buildkitd on the other side, or correct the path of its socket: ssh://HOST/run/user/1000/buildkit/buildkitd.sock for a rootless engine. In a container, buildctl uses $BUILDKIT_HOST there. Increase -ConnectTimeout if the engine is still starting.");

    public static readonly ErrorEntry RemoteEngineForbidden = new(
        "RemoteEngineForbidden",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Use a user that has access to the socket on the other side: 'Grant-BuildKitAccess' there adds one to the socket's group. For a Docker Engine, the user must be a member of the group docker there.");

    public static readonly ErrorEntry RemoteOutputUnexpected = new(
        "RemoteOutputUnexpected",
        ErrorCategory.ProtocolError,
        "{0}",
        "Remove output from the startup files that the shell on the other side reads for commands (.bashrc, .profile), and from a forced command: 'ssh HOST true' must print nothing. For a container, 'docker exec NAME buildctl --version' must succeed.");

    public static readonly ErrorEntry EngineContainerNotFound = new(
        "EngineContainerNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the name with 'docker ps' (podman ps, nerdctl ps). A container of nerdctl in another namespace requires ?namespace=, one of another Docker Engine ?context=.");

    public static readonly ErrorEntry EngineContainerNotRunning = new(
        "EngineContainerNotRunning",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Start the container ('docker start NAME'), or see why the pod does not run ('kubectl describe pod NAME'). Increase -ConnectTimeout if it is still starting.");

    public static readonly ErrorEntry ContainerEngineUnreachable = new(
        "ContainerEngineUnreachable",
        ErrorCategory.ConnectionError,
        "{0}",
        "Start the container engine: 'docker info' (podman info, nerdctl info) must succeed. Check DOCKER_HOST and the current context ('docker context ls').");

    public static readonly ErrorEntry ContainerEngineForbidden = new(
        "ContainerEngineForbidden",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Use a user that may use the container engine: a member of the group docker, which is equivalent to root, or a rootless Docker, Podman or containerd of this user. 'docker info' must succeed without sudo.");

    public static readonly ErrorEntry EngineContextNotFound = new(
        "EngineContextNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the context in the address (?context=) with 'docker context ls' or 'kubectl config get-contexts', and DOCKER_CONFIG or KUBECONFIG.");

    public static readonly ErrorEntry KubernetesNamespaceNotFound = new(
        "KubernetesNamespaceNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check -Namespace, or ?namespace= in the address, with 'kubectl get namespaces'; another cluster requires -Context or ?context=.");

    public static readonly ErrorEntry EnginePodNotFound = new(
        "EnginePodNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the name with 'kubectl get pods'. A pod in another namespace requires ?namespace=, one of another cluster ?context=. A pod of a Deployment has another name after each restart.");

    public static readonly ErrorEntry EnginePodContainerNotFound = new(
        "EnginePodContainerNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check ?container= in the address with 'kubectl get pod NAME -o jsonpath={{.spec.containers[*].name}}'.");

    public static readonly ErrorEntry KubernetesPluginFailed = new(
        "KubernetesPluginFailed",
        ErrorCategory.AuthenticationError,
        "{0}",
        "Install the credential plugin of the context, or log in with the tool of the cluster's provider: 'kubectl get pods' must succeed without a question.");

    public static readonly ErrorEntry KubernetesLoginRefused = new(
        "KubernetesLoginRefused",
        ErrorCategory.AuthenticationError,
        "{0}",
        "Renew the credentials of the context: 'kubectl get pods' must succeed without a question.");

    public static readonly ErrorEntry KubernetesForbidden = new(
        "KubernetesForbidden",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Ask the administrator of the cluster for the right that the message names; 'kubectl auth can-i --list' shows the rights of the user. A build in a pod requires the rights to get pods and to create pods/exec.");

    public static readonly ErrorEntry KubernetesUnreachable = new(
        "KubernetesUnreachable",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check the cluster of the context and the network connection to it: 'kubectl version' must show the version of the server.");

    public static readonly ErrorEntry EngineHelperNotFound = new(
        "EngineHelperNotFound",
        ErrorCategory.NotInstalled,
        "{0}",
        "Install buildctl on the other side, in a directory of the PATH of commands that are not interactive ('ssh HOST buildctl --version' must succeed). The image moby/buildkit contains it. For a Docker Engine on another machine, use docker+ssh://HOST, which requires docker there.");
}
