namespace OpenCloud.Build.Client.Engines;

/// <summary>Why a connection to an engine failed.</summary>
public enum EngineConnectReason
{
    /// <summary>Another reason; see the inner exception.</summary>
    Other = 0,

    /// <summary>There is no socket at that path. The engine may still be starting.</summary>
    NotFound,

    /// <summary>Nothing accepts connections there. The engine may still be starting, or it died and left its socket behind.</summary>
    Refused,

    /// <summary>This user may not connect; see <see cref="EngineConnectException.Access"/>.</summary>
    PermissionDenied,

    /// <summary>The peer is not an engine.</summary>
    NotAnEngine,

    /// <summary>A Docker Engine answered, but does not give access to its BuildKit.</summary>
    Rejected,

    /// <summary>The peer did not answer in time.</summary>
    Timeout,

    /// <summary>The host's name cannot be resolved.</summary>
    HostNotFound,

    /// <summary>No route leads to the host, or the cluster does not reach the node of the pod.</summary>
    Unreachable,

    /// <summary>The connection to another machine would be unprotected, and that was not allowed. Nothing was sent.</summary>
    NotAllowed,

    /// <summary>A setting that names an engine is wrong.</summary>
    BadSetting,

    /// <summary>The peer on a system socket is neither root nor the owner of the socket's folder. Nothing was sent.</summary>
    UntrustedPeer,

    /// <summary>No virtual machine has that context id. It may still be starting.</summary>
    GuestNotFound,

    /// <summary>This machine, or the container this process runs in, has no AF_VSOCK.</summary>
    VsockUnavailable,

    /// <summary>The program that carries the connection (ssh, docker, kubectl, …) is not on this machine.</summary>
    ProgramNotFound,

    /// <summary>The program that carries the connection failed; the message contains its last output.</summary>
    ProgramFailed,

    /// <summary>ssh does not know the host's key.</summary>
    HostKeyRejected,

    /// <summary>The other side refuses the login.</summary>
    LoginRefused,

    /// <summary>The container does not exist.</summary>
    ContainerNotFound,

    /// <summary>The other side does not have the program that connects to the engine: <c>buildctl</c>, or <c>docker</c>.</summary>
    HelperNotFound,

    /// <summary>TLS failed; <see cref="EngineConnectException.Tls"/> says why.</summary>
    Tls,

    /// <summary>The host's key is not the one that ssh knows.</summary>
    HostKeyChanged,

    /// <summary>No SSH server accepts connections on the host. It may still be starting.</summary>
    HostNotListening,

    /// <summary>The host does not answer as an SSH server, or refuses this client before the login.</summary>
    NotAnSshServer,

    /// <summary>The context of Docker or Kubernetes does not exist.</summary>
    ContextNotFound,

    /// <summary>The container or pod does not run. It may still be starting.</summary>
    ContainerNotRunning,

    /// <summary>The container engine of this machine or context does not answer.</summary>
    ContainerEngineUnreachable,

    /// <summary>This user may not use the container engine.</summary>
    ContainerEngineForbidden,

    /// <summary>The Kubernetes namespace does not exist.</summary>
    NamespaceNotFound,

    /// <summary>The pod does not exist.</summary>
    PodNotFound,

    /// <summary>The pod has no such container.</summary>
    PodContainerNotFound,

    /// <summary>The credential plugin of the Kubernetes context failed.</summary>
    CredentialPluginFailed,

    /// <summary>The cluster does not accept the credentials of the context.</summary>
    ClusterLoginRefused,

    /// <summary>The user of the context may not run commands in the pod.</summary>
    ClusterForbidden,

    /// <summary>The API server of the cluster does not answer.</summary>
    ClusterUnreachable,

    /// <summary>The other side sends text instead of the engine's answer.</summary>
    UnexpectedOutput,

    /// <summary>No engine is registered under the name.</summary>
    NotRegistered,

    /// <summary>The file of named engines cannot be used.</summary>
    BadEngineFile,

    /// <summary>Other users can change the file of named engines.</summary>
    UntrustedEngineFile,

    /// <summary>Neither a Deployment nor a StatefulSet of Kubernetes has that name.</summary>
    DeploymentNotFound,

    /// <summary>No pod of the deployment is ready. It may still be starting.</summary>
    NoReadyPod,
}
