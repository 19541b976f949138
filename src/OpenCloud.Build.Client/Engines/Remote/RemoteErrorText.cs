using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>Reads the standard error of the programs: the kind of the failure, and its words, filtered and shortened for a message.</summary>
internal static class RemoteErrorText
{
    private const int MostLines = 3;
    private const int LongestText = 400;

    // The first that matches decides: what ssh says, then what a container engine or Kubernetes says, then what buildctl or docker says there.
    private static readonly (RemoteFault Fault, string[] Words)[] Signs =
    [
        (RemoteFault.HostKeyRejected, ["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED", "No matching host key"]),
        (RemoteFault.HostNotFound, ["Could not resolve hostname", "no such host"]),
        (RemoteFault.NoHelper, ["buildctl: not found", "buildctl: command not found", "buildctl: No such file", "docker: not found", "docker: command not found", "executable file not found", "exec: \"buildctl\": stat", "Unknown command: buildctl", "command terminated with exit code 127"]),
        (RemoteFault.NoContainer, ["No such container", "no such container", "no container with name or ID", "is not running", "can only create exec sessions on running containers", "(NotFound)", "container not found", "cannot exec in a stopped", "no running task", "is paused", "not valid for pod"]),
        (RemoteFault.SocketForbidden, ["permission denied while trying to connect to the Docker", "connect: permission denied", "open /run/containerd", "rootless containerd not running"]),
        (RemoteFault.NoSocket, ["connect: no such file or directory", "connect: connection refused", "Is the docker daemon running", "Cannot connect to the Docker daemon", "context deadline exceeded", "unable to connect to Podman"]),
        (RemoteFault.LoginRefused, ["Permission denied (", "Too many authentication failures", "No supported authentication methods", "Unauthorized", "must be logged in", "(Forbidden)", "sign_and_send_pubkey"]),
        (RemoteFault.Refused, ["Connection refused", "was refused"]),
        (RemoteFault.Unreachable, ["Connection timed out", "No route to host", "Network is unreachable", "Operation timed out", "i/o timeout"]),
    ];

    /// <summary>The kind of a failure. 127 is a shell's exit code for a command that it does not find (POSIX, 2.8.2), and a container runtime's.</summary>
    public static RemoteFault FaultOf(string errors, int? exitCode)
    {
        foreach ((RemoteFault fault, string[] words) in Signs)
        {
            if (words.Any(word => errors.Contains(word, StringComparison.Ordinal)))
            {
                return fault;
            }
        }

        return exitCode == 127 ? RemoteFault.NoHelper : RemoteFault.Other;
    }

    /// <summary>The last lines as one text; empty when there are none.</summary>
    public static string LastWords(string errors)
    {
        string[] lines = [.. TerminalText.Plain(errors).Split('\n').Select(static line => line.Trim()).Where(static line => line.Any(char.IsLetterOrDigit))];
        string text = string.Join(" ", lines.TakeLast(MostLines)).Replace('\t', ' ');
        return text.Length > LongestText ? string.Concat(text.AsSpan(0, LongestText), "…") : text;
    }
}
