using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Remote;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Remote;

/// <summary>What the programs report: OpenSSH 9.2, Docker 20 to 29, Podman 4 and 5, nerdctl 1 and 2, kubectl 1.20 to 1.32, buildctl.</summary>
public sealed class RemoteSignsTests
{
    [Theory]
    [InlineData("ssh", 255, "@@@@@@@@@\nHost key verification failed.\r\n", EngineConnectReason.HostKeyRejected)]
    [InlineData("ssh", 255, "No ED25519 host key is known for box and you have requested strict checking.\nHost key verification failed.", EngineConnectReason.HostKeyRejected)]
    [InlineData("ssh", 255, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key for box has changed and you have requested strict checking.\nHost key verification failed.", EngineConnectReason.HostKeyChanged)]
    [InlineData("ssh", 255, "ssh: Could not resolve hostname nowhere: Name or service not known", EngineConnectReason.HostNotFound)]
    [InlineData("ssh", 255, "ssh: connect to host box port 22: Connection refused", EngineConnectReason.HostNotListening)]
    [InlineData("ssh", 255, "ssh: connect to host box port 22: Connection timed out", EngineConnectReason.Unreachable)]
    [InlineData("ssh", 255, "ssh: connect to host box port 22: No route to host", EngineConnectReason.Unreachable)]
    [InlineData("ssh", 255, "kex_exchange_identification: Connection closed by remote host\nConnection closed by 127.0.0.1 port 80", EngineConnectReason.NotAnSshServer)]
    [InlineData("ssh", 255, "me@box: Permission denied (publickey,password).", EngineConnectReason.LoginRefused)]
    [InlineData("ssh", 255, "Received disconnect from 127.0.0.1 port 22:2: Too many authentication failures", EngineConnectReason.LoginRefused)]
    [InlineData("ssh", 1, "Could not chdir to home directory /nonexistent: No such file or directory\nThis account is currently not available.", EngineConnectReason.LoginRefused)]
    [InlineData("ssh", 127, "bash: line 1: buildctl: command not found", EngineConnectReason.HelperNotFound)]
    [InlineData("ssh", 127, "zsh:1: command not found: buildctl", EngineConnectReason.HelperNotFound)]
    [InlineData("ssh", 127, "bash: Zeile 1: buildctl: Kommando nicht gefunden.", EngineConnectReason.HelperNotFound)]
    [InlineData("ssh", 126, "bash: line 1: /usr/local/bin/buildctl: Permission denied", EngineConnectReason.HelperNotFound)]
    [InlineData("ssh", 1, "error: dial unix /run/buildkit/buildkitd.sock: connect: no such file or directory", EngineConnectReason.Refused)]
    [InlineData("ssh", 1, "error: dial unix /run/buildkit/buildkitd.sock: connect: permission denied", EngineConnectReason.PermissionDenied)]
    [InlineData("docker+ssh", 1, "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock", EngineConnectReason.PermissionDenied)]
    [InlineData("docker+ssh", 1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", EngineConnectReason.Refused)]
    [InlineData("docker+ssh", 127, "", EngineConnectReason.HelperNotFound)]
    [InlineData("docker", 1, "Error response from daemon: No such container: buildkitd", EngineConnectReason.ContainerNotFound)]
    [InlineData("docker", 1, "Error response from daemon: Container 1f is not running", EngineConnectReason.ContainerNotRunning)]
    [InlineData("docker", 1, "Error response from daemon: Container 1f is paused, unpause the container before exec", EngineConnectReason.ContainerNotRunning)]
    [InlineData("docker", 1, "Error response from daemon: Container 1f is restarting, wait until the container is running", EngineConnectReason.ContainerNotRunning)]
    [InlineData("docker", 1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", EngineConnectReason.ContainerEngineUnreachable)]
    [InlineData("docker", 1, "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory", EngineConnectReason.ContainerEngineUnreachable)]
    [InlineData("docker", 1, "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock", EngineConnectReason.ContainerEngineForbidden)]
    [InlineData("docker", 1, "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied", EngineConnectReason.ContainerEngineForbidden)]
    [InlineData("docker", 1, "Failed to initialize: unable to resolve docker endpoint: context \"x\": context not found: open /x/meta.json: no such file or directory", EngineConnectReason.ContextNotFound)]
    [InlineData("docker", 1, "error during connect: command [ssh -o ConnectTimeout=30 -T -- box docker system dial-stdio] has exited with exit status 255: stderr=ssh: Could not resolve hostname box: Name or service not known", EngineConnectReason.HostNotFound)]
    [InlineData("docker", 126, "OCI runtime exec failed: exec failed: unable to start container process: exec: \"buildctl\": executable file not found in $PATH: unknown", EngineConnectReason.HelperNotFound)]
    [InlineData("podman", 125, "Error: no container with name or ID \"b\" found: no such container", EngineConnectReason.ContainerNotFound)]
    [InlineData("podman", 255, "Error: can only create exec sessions on running containers: container state improper", EngineConnectReason.ContainerNotRunning)]
    [InlineData("podman", 125, "Cannot connect to Podman. Please verify your connection to the Linux system using `podman system connection list`", EngineConnectReason.ContainerEngineUnreachable)]
    [InlineData("podman", 125, "Error: unable to connect to Podman socket: dial unix /run/podman/podman.sock: connect: permission denied", EngineConnectReason.ContainerEngineForbidden)]
    [InlineData("nerdctl", 1, "time=\"2026\" level=fatal msg=\"no such container: b\"", EngineConnectReason.ContainerNotFound)]
    [InlineData("nerdctl", 1, "FATA[0000] cannot exec in a stopped state: unknown", EngineConnectReason.ContainerNotRunning)]
    [InlineData("nerdctl", 1, "FATA[0000] cannot access containerd socket \"/run/containerd/containerd.sock\": no such file or directory", EngineConnectReason.ContainerEngineUnreachable)]
    [InlineData("nerdctl", 1, "FATA[0000] rootless containerd not running? (hint: use `containerd-rootless-setuptool.sh install` to start rootless containerd)", EngineConnectReason.ContainerEngineUnreachable)]
    [InlineData("nerdctl", 1, "FATA[0000] failed to dial \"/run/containerd/containerd.sock\": connection error: dial unix /run/containerd/containerd.sock: connect: permission denied", EngineConnectReason.ContainerEngineForbidden)]
    [InlineData("kubectl", 1, "Error from server (NotFound): pods \"b\" not found", EngineConnectReason.PodNotFound)]
    [InlineData("kubectl", 1, "Error from server (NotFound): namespaces \"n\" not found", EngineConnectReason.NamespaceNotFound)]
    [InlineData("kubectl", 1, "error: container c is not valid for pod b", EngineConnectReason.PodContainerNotFound)]
    [InlineData("kubectl", 1, "error: container c not found in pod b", EngineConnectReason.PodContainerNotFound)]
    [InlineData("kubectl", 1, "Error in configuration: context was not found for specified context: nope", EngineConnectReason.ContextNotFound)]
    [InlineData("kubectl", 1, "error: context \"nope\" does not exist", EngineConnectReason.ContextNotFound)]
    [InlineData("kubectl", 1, "Error from server (Forbidden): pods \"b\" is forbidden: User \"me\" cannot create resource \"pods/exec\"", EngineConnectReason.ClusterForbidden)]
    [InlineData("kubectl", 1, "error: You must be logged in to the server (Unauthorized)", EngineConnectReason.ClusterLoginRefused)]
    [InlineData("kubectl", 1, "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255", EngineConnectReason.CredentialPluginFailed)]
    [InlineData("kubectl", 1, "Unable to connect to the server: getting credentials: exec: \"aws\": executable file not found in $PATH", EngineConnectReason.CredentialPluginFailed)]
    [InlineData("kubectl", 1, "error: unable to upgrade connection: container not found (\"buildkitd\")", EngineConnectReason.ContainerNotRunning)]
    [InlineData("kubectl", 1, "Error from server (BadRequest): pod b does not have a host assigned", EngineConnectReason.ContainerNotRunning)]
    [InlineData("kubectl", 1, "dial tcp 127.0.0.1:1: connect: connection refused\nThe connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?", EngineConnectReason.ClusterUnreachable)]
    [InlineData("kubectl", 1, "Unable to connect to the server: dial tcp: lookup box on 10.0.0.1:53: no such host", EngineConnectReason.HostNotFound)]
    [InlineData("kubectl", 1, "Error from server: error dialing backend: dial tcp 10.0.0.1:10250: connect: connection refused", EngineConnectReason.Unreachable)]
    [InlineData("kubectl", 1, "Error from server: error dialing backend: dial tcp: lookup node-3 on 10.0.0.1:53: no such host", EngineConnectReason.Unreachable)]
    [InlineData("kubectl", 1, "error: Internal error occurred: error executing command in container: container is not running", EngineConnectReason.ContainerNotRunning)]
    [InlineData("kubectl", 1, "OCI runtime exec failed: cannot exec in a stopped container", EngineConnectReason.ContainerNotRunning)]
    [InlineData("kubectl", 127, "command terminated with exit code 127", EngineConnectReason.HelperNotFound)]
    [InlineData("kubectl", 1, "error: dial unix /run/buildkit/buildkitd.sock: connect: connection refused\ncommand terminated with exit code 1", EngineConnectReason.Refused)]
    [InlineData("kubectl", 1, "something else", EngineConnectReason.ProgramFailed)]
    public void Recognizes_what_a_program_reports(string program, int code, string report, EngineConnectReason reason)
    {
        string address = program switch { "kubectl" => "kube-pod://b", "ssh" or "docker+ssh" => program + "://box", _ => program + "-container://b" };
        EngineAddress parsed = EngineAddress.Parse(address);
        Assert.Equal(reason, ProgramConnector.Failure(parsed, RemoteCommand.Of(parsed.Remote!), report, "", code).Reason);
    }

    [Theory]
    [InlineData("OCI runtime exec failed: exec failed: unable to start container process: exec: \"buildctl\": executable file not found in $PATH: unknown\r\n", EngineConnectReason.HelperNotFound)]
    [InlineData("HTTP/1.1 400 Bad Request\r\n", EngineConnectReason.NotAnEngine)]
    [InlineData("Welcome to box!\n", EngineConnectReason.UnexpectedOutput)]
    public void Recognizes_text_in_place_of_an_answer(string output, EngineConnectReason reason)
    {
        EngineAddress address = EngineAddress.Parse("docker-container://b");
        Assert.Equal(reason, ProgramConnector.Failure(address, RemoteCommand.Of(address.Remote!), "", output, null).Reason);
    }

    [Theory]
    [InlineData("Host key verification failed.\r\n", "Host key verification failed.")]
    [InlineData("a\u001B[31mb\u0007\n\nlast\tword\n", "ab last word")]
    [InlineData("proxyconnect: invalid proxy \"http://me:secret@proxy:8080\" and https://t0ken:@host/x", "proxyconnect: invalid proxy \"http://proxy:8080\" and https://host/x")]
    public void Shows_the_words_of_a_program(string errors, string words) => Assert.Equal(words, RemoteErrorText.LastWords(errors));

    [Fact]
    public void Keeps_the_end_of_a_long_report_short()
    {
        string words = RemoteErrorText.LastWords(string.Join('\n', Enumerable.Range(0, 1000).Select(static i => $"line {i}")));
        Assert.Equal("line 997 line 998 line 999", words);
        Assert.Equal(401, RemoteErrorText.LastWords(new string('x', 5000)).Length);
    }

    [Theory]
    [InlineData("debug1: Connecting to box [192.0.2.1] port 22.\n", "did not accept a connection")]
    [InlineData("debug1: Connecting to box\ndebug1: Connection established.\n", "accepted the connection, but did not answer as an SSH server")]
    [InlineData("debug1: Connection established.\ndebug1: Remote protocol version 2.0\n", "answers as an SSH server, but did not complete the login")]
    [InlineData("debug1: Executing proxy command: exec ssh -W '[box]:22' jump\n", "did not answer through the proxy of the configuration of ssh")]
    [InlineData("", "did not complete the login")]
    public void Says_how_far_ssh_came(string errors, string clause) => Assert.Equal(clause, SshProgress.StalledAt(errors));

    [Fact]
    public void Leaves_the_details_of_ssh_out()
    {
        Assert.Equal("Warning: odd\nlast", SshProgress.Report("OpenSSH_9.2p1 Debian\ndebug1: Reading configuration\nWarning: odd\nAuthenticated to box ([192.0.2.1]:22) using \"publickey\".\nlast"));
        Assert.Equal("OpenSSH_ is kept", SshProgress.Report("OpenSSH_ is kept"));
    }
}
