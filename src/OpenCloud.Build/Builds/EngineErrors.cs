using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Host.Commands;

namespace OpenCloud.Build.Builds;

/// <summary>Converts failed engine connections to errors of the catalog.</summary>
internal static class EngineErrors
{
    public static BuildErrorException From(EngineConnectException failure)
    {
        string? address = failure.Address?.ToString();
        if (failure.Reason == EngineConnectReason.PermissionDenied && failure.Access is { } access)
        {
            return Denied(failure, access, address);
        }

        ErrorEntry entry = failure.Reason switch
        {
            EngineConnectReason.Refused when IsRemote(failure.Address) => ErrorCatalog.RemoteEngineNotListening,
            EngineConnectReason.PermissionDenied when IsRemote(failure.Address) => ErrorCatalog.RemoteEngineForbidden,
            EngineConnectReason.NotFound => ErrorCatalog.EngineNotFound,
            EngineConnectReason.Refused when failure.Address is { IsVsock: true } => ErrorCatalog.GuestNotListening,
            EngineConnectReason.Refused => ErrorCatalog.EngineNotListening,
            EngineConnectReason.PermissionDenied when failure.Address?.ContextId is not null => ErrorCatalog.VsockUnavailable,
            EngineConnectReason.PermissionDenied => ErrorCatalog.EngineForbidden,
            EngineConnectReason.NotAnEngine or EngineConnectReason.Rejected => ErrorCatalog.NotAnEngine,
            EngineConnectReason.Timeout => ErrorCatalog.EngineTimedOut,
            EngineConnectReason.UntrustedPeer => ErrorCatalog.EngineImpersonated,
            EngineConnectReason.NotAllowed => ErrorCatalog.PlainTcpNotAllowed,
            EngineConnectReason.BadSetting => ErrorCatalog.EngineSettingInvalid,
            EngineConnectReason.GuestNotFound => ErrorCatalog.GuestNotFound,
            EngineConnectReason.VsockUnavailable => ErrorCatalog.VsockUnavailable,
            EngineConnectReason.ProgramNotFound => ErrorCatalog.ConnectionProgramNotFound,
            EngineConnectReason.ProgramFailed => ErrorCatalog.ConnectionProgramFailed,
            EngineConnectReason.HostKeyRejected => ErrorCatalog.HostKeyRejected,
            EngineConnectReason.LoginRefused => ErrorCatalog.EngineLoginRefused,
            EngineConnectReason.ContainerNotFound => ErrorCatalog.EngineContainerNotFound,
            EngineConnectReason.DeploymentNotFound => ErrorCatalog.DeploymentNotFound,
            EngineConnectReason.NoReadyPod => ErrorCatalog.DeploymentNotReady,
            EngineConnectReason.HelperNotFound => ErrorCatalog.EngineHelperNotFound,
            EngineConnectReason.HostKeyChanged => ErrorCatalog.HostKeyChanged,
            EngineConnectReason.HostNotListening => ErrorCatalog.SshServerNotListening,
            EngineConnectReason.NotAnSshServer => ErrorCatalog.SshServerNotFound,
            EngineConnectReason.HostNotFound => ErrorCatalog.EngineHostNotFound,
            EngineConnectReason.ContextNotFound => ErrorCatalog.EngineContextNotFound,
            EngineConnectReason.ContainerNotRunning => ErrorCatalog.EngineContainerNotRunning,
            EngineConnectReason.ContainerEngineUnreachable => ErrorCatalog.ContainerEngineUnreachable,
            EngineConnectReason.ContainerEngineForbidden => ErrorCatalog.ContainerEngineForbidden,
            EngineConnectReason.NamespaceNotFound => ErrorCatalog.KubernetesNamespaceNotFound,
            EngineConnectReason.PodNotFound => ErrorCatalog.EnginePodNotFound,
            EngineConnectReason.PodContainerNotFound => ErrorCatalog.EnginePodContainerNotFound,
            EngineConnectReason.CredentialPluginFailed => ErrorCatalog.KubernetesPluginFailed,
            EngineConnectReason.ClusterLoginRefused => ErrorCatalog.KubernetesLoginRefused,
            EngineConnectReason.ClusterForbidden => ErrorCatalog.KubernetesForbidden,
            EngineConnectReason.ClusterUnreachable => ErrorCatalog.KubernetesUnreachable,
            EngineConnectReason.UnexpectedOutput => ErrorCatalog.RemoteOutputUnexpected,
            EngineConnectReason.NotRegistered => ErrorCatalog.EngineNotRegistered,
            EngineConnectReason.BadEngineFile when failure.InnerException is NamedEngineException { Problem: NamedEngineProblem.FileNotAccessible } => ErrorCatalog.EngineFileNotAccessible,
            EngineConnectReason.BadEngineFile => ErrorCatalog.EngineFileInvalid,
            EngineConnectReason.UntrustedEngineFile => ErrorCatalog.EngineFileNotTrusted,
            EngineConnectReason.Tls => TlsErrors.Of(failure.Tls),
            _ => ErrorCatalog.EngineUnreachable,
        };
        return failure is { Reason: EngineConnectReason.NotRegistered, Address.Name: { } name }
            ? entry.ToException(name, failure, name)
            : entry.ToException(address, failure, failure.Message);
    }

    // The socket is on the other side.
    private static bool IsRemote(EngineAddress? address) => address?.Scheme is "ssh" or "docker+ssh" or "docker-container" or "podman-container" or "nerdctl-container" or "kube-pod" or "kube-deployment";

    private static BuildErrorException Denied(EngineConnectException failure, SocketAccess access, string? address)
    {
        if (access.NeedsNewLogin)
        {
            return ErrorCatalog.EngineForbiddenUntilLogin.ToException(address, failure, failure.Message, access.Group!, access.User);
        }

        // Joining root's own group would amount to becoming root.
        return access is { GroupOpens: true, Group: { } group and not "root" }
            ? ErrorCatalog.EngineForbiddenToGroup.ToException(address, failure, failure.Message, group, access.User, RootLine.Of("Grant-BuildKitAccess", ("User", access.User), ("Group", group)))
            : ErrorCatalog.EngineForbidden.ToException(address, failure, failure.Message);
    }
}
