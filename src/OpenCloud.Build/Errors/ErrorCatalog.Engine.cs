using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Unreachable engines. Argument 0 is what happened, in one or more sentences, unless an entry says otherwise.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry EngineNotFound = new(
        "EngineNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Install and start BuildKit with Install-BuildKit, or set -Address or $env:BUILDKIT_HOST to the address of a running engine.");

    public static readonly ErrorEntry EngineNotListening = new(
        "EngineNotListening",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check with 'systemctl status buildkit' whether the engine is stopped or still starting. Start it, or increase -ConnectTimeout.");

    public static readonly ErrorEntry EngineForbidden = new(
        "EngineForbidden",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Ask an administrator to create a group with access (Install-BuildKit or Grant-BuildKitAccess), or use a rootless engine. 'Test-BuildKitSocket -Detailed' shows which permission is missing.");

    /// <summary>0: what happened, 1: group, 2: user, 3: the command that gives the user access.</summary>
    public static readonly ErrorEntry EngineForbiddenToGroup = new(
        "EngineForbiddenToGroup",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Add the user '{2}' to the group '{1}', which has access to the engine, then log in again (for a service, use -Service NAME instead of -User {2}): {3}.");

    /// <summary>0: what happened, 1: group, 2: user.</summary>
    public static readonly ErrorEntry EngineForbiddenUntilLogin = new(
        "EngineForbiddenUntilLogin",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Log in again, or restart the service: the user '{2}' joined the group '{1}' after this session started.");

    public static readonly ErrorEntry EngineImpersonated = new(
        "EngineImpersonated",
        ErrorCategory.SecurityError,
        "{0}",
        "Find and stop the process that listens on the socket; it may impersonate the engine. Remove write access for other users from the socket's directory ('Test-BuildKitSocket -Detailed' shows the command), and restart the engine as root. If the engine is meant to run as that user, put its socket in a directory that this user owns.");

    public static readonly ErrorEntry NotAnEngine = new(
        "NotAnEngine",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check the address. BuildKit's own socket is unix:///run/buildkit/buildkitd.sock. For the socket of a Docker Engine, use docker:///run/docker.sock. An engine with TLS requires -CertificateDirectory.");

    public static readonly ErrorEntry EngineTimedOut = new(
        "EngineTimedOut",
        ErrorCategory.OperationTimeout,
        "{0}",
        "Check that the engine is running and responsive, or increase -ConnectTimeout.");

    public static readonly ErrorEntry PlainTcpNotAllowed = new(
        "PlainTcpNotAllowed",
        ErrorCategory.SecurityError,
        "{0}",
        "Use a unix socket, a loopback address or TLS (-CertificateDirectory). On a trusted network, use -AllowPlainTcp: everyone with access to the port controls the engine.");

    public static readonly ErrorEntry EngineSettingInvalid = new(
        "EngineSettingInvalid",
        ErrorCategory.InvalidArgument,
        "{0}",
        "Correct or remove the environment variable, or use -Address.");

    public static readonly ErrorEntry GuestNotListening = new(
        "GuestNotListening",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check that the virtual machine is running and that an engine listens on that port in it ('systemctl status buildkit-vsock.socket buildkit'; Install-BuildKit -Isolated -VsockPort PORT sets it up). Increase -ConnectTimeout if the virtual machine is still booting.");

    public static readonly ErrorEntry GuestNotFound = new(
        "GuestNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the context id: vsock://local:PORT is this machine, vsock://host:PORT the host of a virtual machine, vsock://NUMBER:PORT a virtual machine on this host, which must be running. For Firecracker and Cloud Hypervisor, use vsock+unix:///path/to.sock:PORT.");

    public static readonly ErrorEntry VsockUnavailable = new(
        "VsockUnavailable",
        ErrorCategory.NotInstalled,
        "{0}",
        "Load the kernel module as root: modprobe vsock (and vsock_loopback, vhost_vsock or vmw_vsock_virtio_transport, depending on the connection). In a container, use a seccomp profile that allows AF_VSOCK.");

    public static readonly ErrorEntry EngineUnreachable = new(
        "EngineUnreachable",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check the address and the network connection. To see each attempt, use -Verbose.");

    /// <summary>0: engine, 1: what it said.</summary>
    public static readonly ErrorEntry EngineRefusedCall = new(
        "EngineRefusedCall",
        ErrorCategory.InvalidOperation,
        "{0} answered with an error: {1}",
        "Check that the engine is BuildKit 0.12 or later. Its log may contain more.");
}
