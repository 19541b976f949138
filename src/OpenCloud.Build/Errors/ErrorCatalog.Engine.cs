using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Unreachable engines. Argument 0 is what happened, in one or more sentences, unless an entry says otherwise.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry EngineNotFound = new(
        "EngineNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Install and start BuildKit with Install-BuildKit, or name an engine that runs with -Address or $env:BUILDKIT_HOST.");

    public static readonly ErrorEntry EngineNotListening = new(
        "EngineNotListening",
        ErrorCategory.ConnectionError,
        "{0}",
        "The engine has ended and left its socket behind, or it is still starting. Look with 'systemctl status buildkit', start it, and raise -ConnectTimeout if it takes long.");

    public static readonly ErrorEntry EngineForbidden = new(
        "EngineForbidden",
        ErrorCategory.PermissionDenied,
        "{0}",
        "The socket is open to no group that you could join. Let root give it one with Install-BuildKit or Grant-BuildKitAccess, or use an engine of your own; 'Test-BuildKitSocket -Detailed' tells what closes it.");

    /// <summary>0: what happened, 1: group, 2: user, 3: the command that gives the user access.</summary>
    public static readonly ErrorEntry EngineForbiddenToGroup = new(
        "EngineForbiddenToGroup",
        ErrorCategory.PermissionDenied,
        "{0}",
        "The group '{1}' may use the engine and '{2}' is not in it. Run this (for a service: -Service NAME in place of -User {2}), then log in again: {3}.");

    /// <summary>0: what happened, 1: group, 2: user.</summary>
    public static readonly ErrorEntry EngineForbiddenUntilLogin = new(
        "EngineForbiddenUntilLogin",
        ErrorCategory.PermissionDenied,
        "{0}",
        "'{2}' has joined the group '{1}' since this login began, as Grant-BuildKitAccess does it: log in again, or restart the service.");

    public static readonly ErrorEntry EngineImpersonated = new(
        "EngineImpersonated",
        ErrorCategory.SecurityError,
        "{0}",
        "Somebody may have put a socket in the engine's place. Look who it is and end it; close the socket's folder to others ('Test-BuildKitSocket -Detailed' names the command), and let root restart the engine. If the engine is meant to run as that user, give it a folder that this user owns.");

    public static readonly ErrorEntry NotAnEngine = new(
        "NotAnEngine",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check the address. BuildKit's own socket is unix:///run/buildkit/buildkitd.sock; for a Docker Engine's socket write docker:///run/docker.sock.");

    public static readonly ErrorEntry EngineTimedOut = new(
        "EngineTimedOut",
        ErrorCategory.OperationTimeout,
        "{0}",
        "See that the engine runs and is not stuck, or give it longer with -ConnectTimeout.");

    public static readonly ErrorEntry PlainTcpNotAllowed = new(
        "PlainTcpNotAllowed",
        ErrorCategory.SecurityError,
        "{0}",
        "Whoever reaches an engine over plain TCP controls it. Use a unix socket or loopback, or allow it with -AllowPlainTcp where the network is yours alone.");

    public static readonly ErrorEntry EngineSettingInvalid = new(
        "EngineSettingInvalid",
        ErrorCategory.InvalidArgument,
        "{0}",
        "Mend or remove the environment variable, or name the engine with -Address.");

    public static readonly ErrorEntry GuestNotListening = new(
        "GuestNotListening",
        ErrorCategory.ConnectionError,
        "{0}",
        "See that the virtual machine runs and that an engine is set up at that port in it: Install-BuildKit -Isolated -VsockPort PORT does that, 'systemctl status buildkit-vsock.socket buildkit' tells. Raise -ConnectTimeout where it is still booting.");

    public static readonly ErrorEntry GuestNotFound = new(
        "GuestNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the context id: vsock://local:PORT is this machine, vsock://host:PORT the host of a virtual machine, vsock://NUMBER:PORT a virtual machine seen from its host, where it must run. Firecracker's and Cloud Hypervisor's are reached with vsock+unix:///path/to.sock:PORT.");

    public static readonly ErrorEntry VsockUnavailable = new(
        "VsockUnavailable",
        ErrorCategory.NotInstalled,
        "{0}",
        "As root: modprobe vsock (and vsock_loopback, vhost_vsock or vmw_vsock_virtio_transport, as it is needed). A container needs a seccomp profile that allows AF_VSOCK.");

    public static readonly ErrorEntry EngineUnreachable = new(
        "EngineUnreachable",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check the address and the way to it; -Verbose tells each attempt.");

    /// <summary>0: engine, 1: what it said.</summary>
    public static readonly ErrorEntry EngineRefusedCall = new(
        "EngineRefusedCall",
        ErrorCategory.InvalidOperation,
        "{0} answered with an error: {1}",
        "See that it is a BuildKit daemon of v0.12 or newer; its log has more.");
}
