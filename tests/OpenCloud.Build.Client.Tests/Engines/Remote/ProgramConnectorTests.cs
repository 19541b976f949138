using System.Net.Sockets;
using System.Text;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Streams;
using OpenCloud.Build.Client.Tests.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Remote;

public sealed class ProgramConnectorTests : IDisposable
{
    // An engine's first bytes: an empty SETTINGS frame.
    private const string Settings = @"printf '\000\000\000\004\000\000\000\000\000'";

    private readonly ProgramFolder _programs = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private EngineConnectOptions Options => new()
    {
        ConnectTimeout = TimeSpan.FromSeconds(20),
        GetEnvironmentVariable = name => name == "PATH" ? $"{_programs.Path}:/usr/bin:/bin" : Environment.GetEnvironmentVariable(name),
    };

    // What an ssh that logs in for others does: it creates the control socket, and stays until its input ends.
    private const string Login = """case "$*" in *' cat') : > "$2"; exec cat;; esac; """;

    private string Record => Path.Join(_programs.Path, "record");

    public void Dispose() => _programs.Dispose();

    [Theory]
    [InlineData("ssh://me@box:2222/run/a.sock", "ssh", "-S|CONTROL|-o|ControlMaster=no|-T|-a|-x|-o|BatchMode=yes|-o|ClearAllForwardings=yes|-o|RemoteCommand=none|-o|PermitLocalCommand=no|-o|ServerAliveInterval=15|-l|me|-p|2222|--|box|buildctl|--addr|unix:///run/a.sock|dial-stdio")]
    [InlineData("docker-container://b?context=c", "docker", "--context=c|exec|-i|b|buildctl|dial-stdio")]
    [InlineData("podman-container://b", "podman", "exec|-i|b|buildctl|dial-stdio")]
    [InlineData("nerdctl-container://b", "nerdctl", "exec|-i|b|buildctl|dial-stdio")]
    [InlineData("kube-pod://b?namespace=n", "kubectl", "--namespace=n|exec|-i|b|--|buildctl|dial-stdio")]
    public async Task Starts_the_program_and_carries_bytes_both_ways(string address, string program, string arguments)
    {
        _programs.Add(program, $"{(program == "ssh" ? Login : "")}printf '%s|' \"$@\" > '{Record}'; ps -o sid= -p $$ >> '{Record}'; echo \"$PATH:$HOME:$PWD\" >> '{Record}'; {Settings}; cat");
        IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse(address), Options);
        using IDisposable? login = connector as IDisposable;
        int process;
        await using (Stream stream = await connector.ConnectAsync(Token))
        {
            process = Assert.IsType<RemoteStream>(stream).ProcessId;
            byte[] bytes = new byte[9];
            await stream.ReadExactlyAsync(bytes, Token);
            Assert.Equal(4, bytes[3]);
            await stream.WriteAsync("to and fro"u8.ToArray(), Token);
            byte[] echo = new byte[10];
            await stream.ReadExactlyAsync(echo, Token);
            Assert.Equal("to and fro", Encoding.ASCII.GetString(echo));
        }

        string[] record = await File.ReadAllLinesAsync(Record, Token);
        string control = record[0].Split('|')[1];
        Assert.Equal(arguments.Replace("CONTROL", control, StringComparison.Ordinal), record[0][..record[0].LastIndexOf('|')]);
        Assert.Equal(process, int.Parse(record[0].AsSpan(record[0].LastIndexOf('|') + 1), System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal($"{_programs.Path}:/usr/bin:/bin:{Environment.GetEnvironmentVariable("HOME")}:/", record[1]);
        await GoneAsync(process);
    }

    [Theory]
    [InlineData("ssh://box", "ssh", "echo 'Host key verification failed.' >&2; exit 255", EngineConnectReason.HostKeyRejected, "ssh reports: Host key verification failed.", false)]
    [InlineData("ssh://box", "ssh", "echo 'me@box: Permission denied (publickey).' >&2; exit 255", EngineConnectReason.LoginRefused, "the login is refused", false)]
    [InlineData("ssh://box", "ssh", "echo 'sh: 1: buildctl: not found' >&2; exit 127", EngineConnectReason.HelperNotFound, "the program 'buildctl', which connects to the engine, does not exist there", false)]
    [InlineData("docker+ssh://box", "ssh", "echo 'sh: 1: docker: not found' >&2; exit 127", EngineConnectReason.HelperNotFound, "the program 'docker'", false)]
    [InlineData("docker-container://b", "docker", "echo 'Error response from daemon: No such container: b' >&2; exit 1", EngineConnectReason.ContainerNotFound, "the container does not exist", false)]
    [InlineData("docker-container://b", "docker", "echo 'Error response from daemon: Container 1f is not running' >&2; exit 1", EngineConnectReason.ContainerNotRunning, "the container does not run", true)]
    [InlineData("docker-container://b", "docker", "echo 'OCI runtime exec failed: exec: \"buildctl\": executable file not found in $PATH: unknown'; exit 127", EngineConnectReason.HelperNotFound, "does not exist there", false)]
    [InlineData("ssh://box", "ssh", "case \"$*\" in *' cat') : > \"$2\"; exec cat;; esac; echo Welcome; exec sleep 600", EngineConnectReason.UnexpectedOutput, "text arrives instead of the engine's answer. ssh reports: Welcome.", false)]
    [InlineData("docker+ssh://box", "ssh", "case \"$*\" in *' cat') : > \"$2\"; exec cat;; esac; echo Welcome; exec sleep 600", EngineConnectReason.UnexpectedOutput, "ssh reports: Welcome.", false)]
    [InlineData("kube-pod://b", "kubectl", "printf 'Please enter Username: '; read -r line", EngineConnectReason.ClusterLoginRefused, "does not accept the credentials", false)]
    [InlineData("kube-pod://b", "kubectl", "echo 'error: dial unix /run/buildkit/buildkitd.sock: connect: no such file or directory' >&2; exit 1", EngineConnectReason.Refused, "no engine accepts", true)]
    [InlineData("podman-container://b", "podman", "exit 3", EngineConnectReason.ProgramFailed, "podman reports: it ended with exit code 3 and said nothing.", false)]
    [InlineData("podman-container://b", "podman", "printf 'odd \\033[2Jthings' >&2; exit 0", EngineConnectReason.ProgramFailed, "podman reports: odd things.", false)]
    public async Task Says_why_the_program_failed(string address, string program, string script, EngineConnectReason reason, string said, bool mayBeStarting)
    {
        _programs.Add(program, script);
        IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse(address), Options);
        using IDisposable? login = connector as IDisposable;
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await connector.ConnectAsync(Token));
        Assert.Equal(reason, e.Reason);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        Assert.Equal(mayBeStarting, e.MayBeStarting);
    }

    [Fact]
    public async Task Says_that_the_program_is_missing()
    {
        IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse("nerdctl-container://b"), Options with { GetEnvironmentVariable = _ => _programs.Path });
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await connector.ConnectAsync(Token));
        Assert.Equal(EngineConnectReason.ProgramNotFound, e.Reason);
        Assert.Contains("the program 'nerdctl' is not on the PATH", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_program_ends_within_the_timeout_with_its_children()
    {
        _programs.Add("ssh", $"sleep 600 & echo $! $$ > '{Record}.new'; mv '{Record}.new' '{Record}'; wait");
        EngineConnectOptions options = Options with { ConnectTimeout = TimeSpan.FromSeconds(1) };
        IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse("ssh://box"), options);
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectRetry.ConnectAsync(connector, options, Token));
        Assert.Equal(EngineConnectReason.Timeout, e.Reason);
        foreach (string process in (await File.ReadAllTextAsync(Record, Token)).Split())
        {
            if (process.Length > 0)
            {
                await GoneAsync(int.Parse(process, System.Globalization.CultureInfo.InvariantCulture));
            }
        }
    }

    [Theory]
    [InlineData("ssh://box", "ssh", "echo 'debug1: Connection established.' >&2; exec sleep 600", "ssh://box accepted the connection, but did not answer as an SSH server within ")]
    [InlineData("ssh://box", "ssh", "case \"$*\" in *' cat') : > \"$2\"; exec cat;; esac; echo odd >&2; exec sleep 600", "ssh://box completed the login, but 'buildctl dial-stdio' there did not answer (ssh reports: odd) within ")]
    [InlineData("docker+ssh://box", "ssh", "case \"$*\" in *' cat') : > \"$2\"; exec cat;; esac; exec sleep 600", "docker+ssh://box completed the login, but 'docker system dial-stdio' there did not answer within ")]
    [InlineData("docker-container://b", "docker", "exec sleep 600", "docker-container://b did not answer through 'docker exec' within ")]
    public async Task A_timeout_says_how_far_the_connection_came(string address, string program, string script, string said)
    {
        _programs.Add(program, script);
        EngineConnectOptions options = Options with { ConnectTimeout = TimeSpan.FromSeconds(0.5) };
        IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse(address), options);
        using IDisposable? login = connector as IDisposable;
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectRetry.ConnectAsync(connector, options, Token));
        Assert.Equal(EngineConnectReason.Timeout, e.Reason);
        Assert.StartsWith(said, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_could_ask_gets_no_one_to_ask()
    {
        _programs.Add("docker", "echo \"$SSH_ASKPASS_REQUIRE $SSH_ASKPASS\" >&2; (: < /dev/tty) 2> /dev/null && echo terminal >&2; exit 1");
        IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse("docker-container://b"), Options);
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await connector.ConnectAsync(Token));
        Assert.EndsWith("docker reports: never /bin/false.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_fails_does_not_replace_the_engine_that_is_set()
    {
        _programs.Add("kubectl", "echo 'Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 1' >&2; exit 1");
        EngineCandidate[] candidates = [new("$BUILDKIT_HOST", EngineAddress.Parse("kube-pod://b"), true), new("another", EngineAddress.Parse("/nowhere/b.sock"), false)];
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await EngineDiscovery.OpenAsync(candidates, Options, Token));
        Assert.Equal((EngineConnectReason.CredentialPluginFailed, 0), (e.Reason, e.PassedOver.Count));
    }

    [Fact]
    public async Task The_last_answer_explains_more_than_an_attempt_that_took_too_long()
    {
        _programs.Add("kubectl", $"test -e '{Record}' && exec sleep 600; : > '{Record}'; echo 'dial unix /run/a.sock: connect: connection refused' >&2; exit 1");
        EngineConnectOptions options = Options with { ConnectTimeout = TimeSpan.FromSeconds(1) };
        IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse("kube-pod://b"), options);
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectRetry.ConnectAsync(connector, options, Token));
        Assert.Equal((EngineConnectReason.Refused, 2), (e.Reason, e.Attempts));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_is_lost_says_why(bool blocking)
    {
        _programs.Add("ssh", $"{Login}{Settings}; head -c 1 > /dev/null; echo 'Connection to box closed by remote host.' >&2; exit 255");
        using ProgramConnector connector = new(EngineAddress.Parse("ssh://box"), Options);
        Stream stream = await connector.ConnectAsync(Token);
        using SessionThreads threads = new();
        await using Stream connection = blocking ? new BlockingSocketStream((NetworkStream)stream, threads) : stream;
        await connection.ReadExactlyAsync(new byte[9], Token);
        await connection.WriteAsync(new byte[1], Token);
        IOException e = await Assert.ThrowsAsync<IOException>(async () => await connection.ReadExactlyAsync(new byte[1], Token));
        Assert.Equal("ssh, which carried it, ended with exit code 255: Connection to box closed by remote host.", e.Message);
    }

    [Fact]
    public async Task Reaches_a_Docker_Engine_through_ssh()
    {
        _programs.Add("ssh", $@"{Login}while read -r line; do line=${{line%?}}; echo ""$line"" >> '{Record}'; test -n ""$line"" || break; done; printf 'HTTP/1.1 101 UPGRADED\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'; {Settings}; cat");
        using DockerConnector connector = DockerConnector.Create(EngineAddress.Parse("docker+ssh://box"), Options);
        await using Stream stream = await connector.ConnectAsync(Token);
        byte[] bytes = new byte[9];
        await stream.ReadExactlyAsync(bytes, Token);
        Assert.Equal(4, bytes[3]);
        Assert.Equal("POST /grpc HTTP/1.1", (await File.ReadAllLinesAsync(Record, Token))[0]);
    }

    [Fact]
    public void DOCKER_HOST_may_be_ssh()
    {
        Assert.Equal("docker+ssh://me@box:2222", DockerEndpoint.Current(static name => name == "DOCKER_HOST" ? "ssh://me@box:2222" : null).Address.ToString());
        EngineConnectException e = Assert.Throws<EngineConnectException>(() => DockerEndpoint.Current(static name => name == "DOCKER_HOST" ? "ssh://-x" : null));
        Assert.Equal(EngineConnectReason.BadSetting, e.Reason);
    }

    [Fact]
    public async Task Connections_share_one_login_which_ends_with_the_connector()
    {
        _programs.Add("ssh", $"case \"$*\" in *' cat') echo $$ >> '{Record}'; echo \"$*\" >> '{Record}';; esac; {Login}{Settings}; cat");
        using (ProgramConnector connector = new(EngineAddress.Parse("ssh://me@box:22"), Options))
        {
            await using Stream first = await connector.ConnectAsync(Token);
            await using Stream second = await connector.ConnectAsync(Token);
            await first.DisposeAsync();
            await using Stream third = await connector.ConnectAsync(Token);
        }

        string[] record = await File.ReadAllLinesAsync(Record, Token);
        Assert.Equal(2, record.Length);
        Assert.EndsWith("-v -o ControlMaster=yes -o ControlPersist=no -T -a -x -o BatchMode=yes -o ClearAllForwardings=yes -o RemoteCommand=none -o PermitLocalCommand=no -o ServerAliveInterval=15 -l me -p 22 -- box cat", record[1], StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.GetDirectoryName(record[1].Split(' ')[1])));
        await GoneAsync(int.Parse(record[0], System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void BuildKit_has_no_image_store()
    {
        EngineConnectException e = Assert.Throws<EngineConnectException>(() => ImageStores.Open(EngineAddress.Parse("ssh://box"), Options));
        Assert.Contains("docker+ssh://HOST", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_images_of_another_machine_are_not_asked_for_in_plain_text()
    {
        EngineConnectException e = Assert.Throws<EngineConnectException>(() => ImageStores.Open(EngineAddress.Parse("docker://192.0.2.1:2375"), new EngineConnectOptions()));
        Assert.Equal(EngineConnectReason.NotAllowed, e.Reason);
    }

    private static async Task GoneAsync(int process)
    {
        for (int i = 0; Directory.Exists($"/proc/{process}"); i++)
        {
            Assert.True(i < 200, $"The process {process} still runs.");
            await Task.Delay(10, Token);
        }
    }
}
