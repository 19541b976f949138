using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Engines that a program connects to. Argument 0 is what happened, in one or more sentences.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry ConnectionProgramNotFound = new(
        "ConnectionProgramNotFound",
        ErrorCategory.NotInstalled,
        "{0}",
        "Install the program, or add its directory to $env:PATH: ssh:// requires ssh, docker-container:// docker, podman-container:// podman, nerdctl-container:// nerdctl, and kube-pod:// kubectl.");

    public static readonly ErrorEntry ConnectionProgramFailed = new(
        "ConnectionProgramFailed",
        ErrorCategory.ConnectionError,
        "{0}",
        "Correct what the program reports. For ssh, 'ssh HOST true' in a terminal must succeed without a question; for a container, 'docker exec NAME true'; for a pod, 'kubectl exec NAME -- true'.");

    public static readonly ErrorEntry HostKeyRejected = new(
        "HostKeyRejected",
        ErrorCategory.SecurityError,
        "{0}",
        "Connect once with 'ssh HOST' in a terminal and compare the key that it shows with the host's, or add the key to ~/.ssh/known_hosts. If a known key has changed, ask the administrator of the host before you remove the old one: another machine may answer in its place.");

    public static readonly ErrorEntry EngineLoginRefused = new(
        "EngineLoginRefused",
        ErrorCategory.AuthenticationError,
        "{0}",
        "Check the user of the address and its rights. ssh never asks for a password or a passphrase here: load the key into an agent (ssh-add), or name a key without a passphrase in ~/.ssh/config. For a pod, the user of the context must be allowed to create pods/exec.");

    public static readonly ErrorEntry EngineContainerNotFound = new(
        "EngineContainerNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the name with 'docker ps' (podman ps, nerdctl ps, kubectl get pods), and start the container or pod. A pod in another namespace or cluster requires ?namespace= or ?context=, a container of nerdctl in another namespace ?namespace=.");

    public static readonly ErrorEntry EngineHelperNotFound = new(
        "EngineHelperNotFound",
        ErrorCategory.NotInstalled,
        "{0}",
        "Install buildctl on the other side, in a directory of the PATH of commands that are not interactive ('ssh HOST buildctl --version' must succeed). The image moby/buildkit contains it. For a Docker Engine on another machine, use docker+ssh://HOST, which requires docker there.");
}
