namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>Why a program did not connect to an engine.</summary>
internal enum RemoteFault
{
    Other,

    // ssh.
    HostKeyRejected,
    HostKeyChanged,
    LoginRefused,
    HostNotFound,
    Unreachable,
    HostNotListening,
    NotSsh,

    // The command of a container engine.
    NoContext,
    NoContainer,
    ContainerNotRunning,
    DaemonUnreachable,
    DaemonForbidden,

    // Kubernetes.
    NoNamespace,
    NoPod,
    NoPodContainer,
    PluginFailed,
    NotLoggedIn,
    Forbidden,
    ClusterUnreachable,
    NodeUnreachable,

    // On the other side.
    NoHelper,
    NoSocket,
    SocketForbidden,

    /// <summary>The other side sends text where an engine sends HTTP/2.</summary>
    Text,
}
