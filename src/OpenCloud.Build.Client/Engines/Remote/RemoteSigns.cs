namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>
/// Recognizes a failure by what the programs report: ssh (OpenSSH, sshconnect.c, sshconnect2.c, kex.c), docker (docker/cli, moby/moby), podman
/// (containers/podman, libpod/define), nerdctl (containerd/nerdctl), kubectl (kubernetes/kubectl, client-go), and buildctl behind them.
/// </summary>
internal static class RemoteSigns
{
    private const int CommandNotFound = 127;

    // In each list, the first row with all of its parts in the report decides.
    private static readonly (RemoteFault Fault, string[] Parts)[] Ssh =
    [
        (RemoteFault.HostKeyChanged, ["REMOTE HOST IDENTIFICATION HAS CHANGED"]),
        (RemoteFault.HostKeyChanged, ["Host key for ", " has changed"]),
        (RemoteFault.HostKeyRejected, ["Host key verification failed"]),
        (RemoteFault.HostNotFound, ["Could not resolve hostname"]),
        (RemoteFault.LoginRefused, ["Permission denied ("]),
        (RemoteFault.LoginRefused, ["Too many authentication failures"]),
        (RemoteFault.LoginRefused, ["No supported authentication methods"]),
        (RemoteFault.LoginRefused, ["no more authentication methods"]),
        (RemoteFault.LoginRefused, ["This account is currently not available"]),
        (RemoteFault.HostNotListening, [": Connection refused"]),
        (RemoteFault.NotSsh, ["kex_exchange_identification: "]),
        (RemoteFault.NotSsh, ["ssh_exchange_identification: "]),
        (RemoteFault.NotSsh, ["Connection timed out during banner exchange"]),
        (RemoteFault.NotSsh, ["Bad remote protocol version identification"]),
        (RemoteFault.Unreachable, ["Connection timed out"]),
        (RemoteFault.Unreachable, ["Operation timed out"]),
        (RemoteFault.Unreachable, ["No route to host"]),
        (RemoteFault.Unreachable, ["Network is unreachable"]),
    ];

    private static readonly (RemoteFault Fault, string[] Parts)[] Containers =
    [
        (RemoteFault.NoContext, ["context not found"]),
        (RemoteFault.NoContext, ["unable to resolve docker endpoint"]),
        (RemoteFault.DaemonForbidden, ["permission denied while trying to connect to the"]),
        (RemoteFault.DaemonForbidden, ["Podman", "permission denied"]),
        (RemoteFault.DaemonForbidden, ["containerd.sock", "permission denied"]),
        (RemoteFault.NoContainer, ["No such container"]),
        (RemoteFault.NoContainer, ["no such container"]),
        (RemoteFault.NoContainer, ["no container with name or ID"]),
        (RemoteFault.ContainerNotRunning, ["is not running"]),
        (RemoteFault.ContainerNotRunning, ["running containers"]),
        (RemoteFault.ContainerNotRunning, ["when their container is running"]),
        (RemoteFault.ContainerNotRunning, ["container state improper"]),
        (RemoteFault.ContainerNotRunning, ["cannot exec in a stopped"]),
        (RemoteFault.ContainerNotRunning, ["cannot exec a container that has"]),
        (RemoteFault.ContainerNotRunning, ["no running task"]),
        (RemoteFault.ContainerNotRunning, ["is paused"]),
        (RemoteFault.ContainerNotRunning, ["is restarting"]),
        (RemoteFault.DaemonUnreachable, ["Cannot connect to the Docker daemon"]),
        (RemoteFault.DaemonUnreachable, ["failed to connect to the docker API"]),
        (RemoteFault.DaemonUnreachable, ["error during connect"]),
        (RemoteFault.DaemonUnreachable, ["onnect to Podman"]),
        (RemoteFault.DaemonUnreachable, ["cannot access containerd socket"]),
        (RemoteFault.DaemonUnreachable, ["containerd.sock", "no such file or directory"]),
        (RemoteFault.DaemonUnreachable, ["containerd.sock", "connection refused"]),
        (RemoteFault.DaemonUnreachable, ["rootless containerd not running"]),
    ];

    private static readonly (RemoteFault Fault, string[] Parts)[] Kubernetes =
    [
        (RemoteFault.NoContext, ["context was not found for specified context"]),
        (RemoteFault.NoContext, ["error: context \"", "does not exist"]),
        (RemoteFault.PluginFailed, ["getting credentials: "]),
        (RemoteFault.NotLoggedIn, ["must be logged in"]),
        (RemoteFault.NotLoggedIn, ["Unauthorized"]),
        (RemoteFault.NotLoggedIn, ["Please enter Username"]),
        (RemoteFault.NotLoggedIn, ["Please enter Password"]),
        (RemoteFault.Forbidden, ["(Forbidden)"]),
        (RemoteFault.Forbidden, ["is forbidden"]),
        (RemoteFault.NoNamespace, ["namespaces \"", "not found"]),
        (RemoteFault.NoPod, ["pods \"", "not found"]),
        (RemoteFault.NoPod, ["pod does not exist"]),
        (RemoteFault.NoPodContainer, ["container ", " is not valid for pod"]),
        (RemoteFault.NoPodContainer, ["container ", " not found in pod"]),
        (RemoteFault.ContainerNotRunning, ["container not found (\""]),
        (RemoteFault.ContainerNotRunning, ["does not have a host assigned"]),
        (RemoteFault.ContainerNotRunning, ["in a completed pod"]),
        (RemoteFault.ContainerNotRunning, ["is not created or running"]),
        (RemoteFault.ContainerNotRunning, ["is not running"]),
        (RemoteFault.ContainerNotRunning, ["cannot exec in a stopped"]),
        (RemoteFault.ContainerNotRunning, ["no running task"]),
        // The API server answers, and does not reach the kubelet (kubernetes/apimachinery, pkg/util/proxy).
        (RemoteFault.NodeUnreachable, ["error dialing backend"]),
        (RemoteFault.HostNotFound, ["no such host"]),
        (RemoteFault.ClusterUnreachable, ["The connection to the server "]),
        (RemoteFault.ClusterUnreachable, ["Unable to connect to the server"]),
        (RemoteFault.ClusterUnreachable, ["(ServiceUnavailable)"]),
        (RemoteFault.ClusterUnreachable, ["dial tcp "]),
        (RemoteFault.ClusterUnreachable, ["Missing or incomplete configuration info"]),
    ];

    private static readonly (RemoteFault Fault, string[] Parts)[] OtherSide =
    [
        (RemoteFault.NoHelper, ["executable file not found"]),
        (RemoteFault.NoHelper, ["exec: \"buildctl\": "]),
        (RemoteFault.NoHelper, ["command terminated with exit code 127"]),
        (RemoteFault.NoHelper, ["HELPER: not found"]),
        (RemoteFault.NoHelper, ["HELPER: command not found"]),
        (RemoteFault.NoHelper, ["command not found: HELPER"]),
        (RemoteFault.NoHelper, ["HELPER: No such file"]),
        (RemoteFault.NoHelper, ["HELPER: Permission denied"]),
        (RemoteFault.NoHelper, ["HELPER: cannot execute"]),
        (RemoteFault.NoHelper, ["Unknown command: HELPER"]),
        (RemoteFault.NoHelper, ["HELPER' is not recognized"]),
        (RemoteFault.SocketForbidden, ["permission denied while trying to connect to the"]),
        (RemoteFault.SocketForbidden, ["connect: permission denied"]),
        (RemoteFault.NoSocket, ["connect: no such file or directory"]),
        (RemoteFault.NoSocket, ["connect: connection refused"]),
        (RemoteFault.NoSocket, ["Cannot connect to the Docker daemon"]),
        (RemoteFault.NoSocket, ["failed to connect to the docker API"]),
        (RemoteFault.NoSocket, ["context deadline exceeded"]),
    ];

    /// <summary>The kind of a failure.</summary>
    /// <param name="command">The command that failed.</param>
    /// <param name="report">What it wrote.</param>
    /// <param name="exitCode">
    /// Its exit code; null when it is unknown. 127 is a shell's code for a command that it does not find (POSIX, 2.8.2), and a container runtime's.
    /// </param>
    public static RemoteFault FaultOf(RemoteCommand command, string report, int? exitCode)
    {
        // docker connects to the engine of a context through ssh, and repeats what that reports.
        ReadOnlySpan<(RemoteFault Fault, string[] Parts)[]> lists = command.Program switch
        {
            "ssh" => [Ssh, OtherSide],
            "kubectl" => [Kubernetes, OtherSide],
            _ => [Ssh, Containers, OtherSide],
        };
        foreach ((RemoteFault Fault, string[] Parts)[] list in lists)
        {
            foreach ((RemoteFault fault, string[] parts) in list)
            {
                if (Array.TrueForAll(parts, part => report.Contains(part.Replace("HELPER", command.Helper, StringComparison.Ordinal), StringComparison.Ordinal)))
                {
                    return fault;
                }
            }
        }

        return exitCode == CommandNotFound ? RemoteFault.NoHelper : RemoteFault.Other;
    }
}
