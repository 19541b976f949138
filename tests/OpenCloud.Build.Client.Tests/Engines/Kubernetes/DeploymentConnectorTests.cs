using System.Globalization;
using System.Net.Sockets;
using System.Text;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Engines.Nodes;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Streams;
using OpenCloud.Build.Client.Tests.Programs;
using OpenCloud.Build.Client.Wire.Grpc;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Kubernetes;

/// <summary>The choice of a pod, with a stand-in for kubectl. The Engine suite runs a real one.</summary>
public sealed class DeploymentConnectorTests : IDisposable
{
    // An engine's first bytes: an empty SETTINGS frame.
    private const string Settings = @"printf '\000\000\000\004\000\000\000\000\000'";

    private static readonly string[] Three = ["pod-0", "pod-1", "pod-2"];

    private readonly ProgramFolder _programs = new();
    private readonly string _name = $"b{Guid.NewGuid():n}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private EngineAddress Address => EngineAddress.Parse($"kube-deployment://{_name}?namespace=ci");

    private EngineConnectOptions Options => new()
    {
        ConnectTimeout = TimeSpan.FromSeconds(20),
        GetEnvironmentVariable = name => name == "PATH" ? $"{_programs.Path}:/usr/bin:/bin" : Environment.GetEnvironmentVariable(name),
    };

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task BuildsOfAContextReturnToTheirPod_UnlessItIsBusy()
    {
        Stand(Pods(Three), $"{Settings}; exec cat");
        using DeploymentConnector deployment = new(Address, Options);
        IReadOnlyList<string> ranked = NodeRanking.Rank("/src/app", Three);
        for (int i = 0; i < 2; i++)
        {
            using DeploymentConnector build = For(deployment, "/src/app");
            await using Stream first = await build.ConnectAsync(Token);
            await using Stream second = await build.ConnectAsync(Token);
            Assert.Equal($"kube-pod://{ranked[0]}?namespace=ci", build.Address.ToString());
        }

        using DeploymentConnector one = For(deployment, "/src/app");
        using DeploymentConnector other = For(deployment, "/src/app");
        await one.ChooseAsync(Token);
        await other.ChooseAsync(Token);
        Assert.Equal(ranked[1], other.Address.Remote!.Name);
        Assert.Equal(Address, deployment.Address);
    }

    [Fact]
    public async Task PodsThatAreNotReadyAreNotUsed()
    {
        Stand(Pods(["pod-1"], notReady: ["pod-0", "pod-2"]), $"{Settings}; exec cat");
        using DeploymentConnector deployment = new(Address, Options);
        for (int i = 0; i < 5; i++)
        {
            using DeploymentConnector build = For(deployment, $"/src/{i}");
            await build.ChooseAsync(Token);
            Assert.Equal("pod-1", build.Address.Remote!.Name);
        }
    }

    [Fact]
    public async Task APodThatGoesBeforeTheConnectionIsSkipped()
    {
        string gone = NodeRanking.Rank("/src/app", Three)[0];
        Stand(Pods(Three), $"case \"$*\" in *' {gone} '*) echo 'Error from server (NotFound): pods \"{gone}\" not found' >&2; exit 1;; esac; {Settings}; exec cat");
        using DeploymentConnector deployment = new(Address, Options);
        using DeploymentConnector build = For(deployment, "/src/app");
        await using Stream stream = await build.ConnectAsync(Token);
        Assert.Equal(NodeRanking.Rank("/src/app", [.. Three.Where(pod => pod != gone)])[0], build.Address.Remote!.Name);
    }

    [Fact]
    public async Task ABuildStaysOnItsPod_AndTheErrorNamesIt()
    {
        string flag = Path.Join(_programs.Path, "gone");
        Stand(Pods(Three), $"if [ -e '{flag}' ]; then echo 'Error from server (NotFound): pods \"x\" not found' >&2; exit 1; fi; {Settings}; exec cat");
        using DeploymentConnector deployment = new(Address, Options);
        using DeploymentConnector build = For(deployment, "/src/app");
        await using Stream first = await build.ConnectAsync(Token);
        await File.WriteAllTextAsync(flag, "", Token);
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await build.ConnectAsync(Token));
        Assert.Equal(EngineConnectReason.PodNotFound, e.Reason);
        Assert.Contains($"kube-pod://{build.Address.Remote!.Name}?namespace=ci", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheEndOfThePodExplainsTheEndOfAConnection()
    {
        Stand(Pods(["pod-0"]), $"{Settings}; read -r line; echo 'command terminated with exit code 137' >&2; exit 137");
        using DeploymentConnector deployment = new(Address, Options);
        using DeploymentConnector build = For(deployment, "/src/app");
        await using Stream stream = await build.ConnectAsync(Token);
        await File.WriteAllTextAsync(Path.Join(_programs.Path, "pod"), """{"metadata":{},"status":{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory."}}""", Token);
        byte[] bytes = new byte[9];
        await stream.ReadExactlyAsync(bytes, Token);
        await stream.WriteAsync("end\n"u8.ToArray(), Token);
        IOException e = await Assert.ThrowsAsync<IOException>(async () => await stream.ReadExactlyAsync(bytes, Token));
        Assert.EndsWith("command terminated with exit code 137. The pod pod-0 was evicted: The node was low on resource: memory.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANameThatIsAnOptionNeverReachesKubectl()
    {
        Stand(Pods(["--kubeconfig=/x", "pod-1"]), $"{Settings}; exec cat");
        using DeploymentConnector deployment = new(Address, Options);
        for (int i = 0; i < 4; i++)
        {
            using DeploymentConnector build = For(deployment, $"/src/{i}");
            await build.ChooseAsync(Token);
            Assert.Equal("pod-1", build.Address.Remote!.Name);
        }
    }

    [Fact]
    public async Task CallsAtTheSameTimeLeaveAPodThatHasGone()
    {
        string first = NodeRanking.Rank(Address.ToString(), Three)[0];
        string flag = Path.Join(_programs.Path, "gone");
        Stand(Pods(Three), $"case \"$*\" in *' {first} '*) if [ -e '{flag}' ]; then echo 'Error from server (NotFound): pods \"x\" not found' >&2; exit 1; fi;; esac; {Settings}; exec cat");
        using DeploymentConnector deployment = new(Address, Options);
        await using Stream before = await deployment.ConnectAsync(Token);
        await File.WriteAllTextAsync(flag, "", Token);
        Stream[] streams = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await deployment.ConnectAsync(Token), Token)));
        Assert.All(streams, static stream => stream.Dispose());
    }

    [Theory]
    [InlineData("echo 'Error from server: error dialing backend: dial tcp 10.0.0.1:10250: connect: no route to host' >&2; exit 1")]
    [InlineData("exec sleep 60")]
    public async Task APodOfALostNodeIsLeftForTheNext(string lost)
    {
        string first = NodeRanking.Rank(Address.ToString(), Three)[0];
        Stand(Pods(Three), $"case \"$*\" in *' {first} '*) {lost};; esac; {Settings}; exec cat");
        List<ConnectAttempt> left = [];
        using DeploymentConnector deployment = new(Address, Options with { ConnectTimeout = TimeSpan.FromSeconds(2), OnFailedAttempt = left.Add });
        long start = Environment.TickCount64;
        await using Stream stream = await deployment.ConnectAsync(Token);
        Assert.InRange(Environment.TickCount64 - start, 0, 10_000);
        Assert.Equal($"kube-pod://{first}?namespace=ci", Assert.Single(left).Address.ToString());

        // The next builds do not wait for it.
        string key = Enumerable.Range(0, 1000).Select(static i => $"/src/{i}").First(k => NodeRanking.Rank(k, Three)[0] == first);
        using DeploymentConnector build = For(deployment, key);
        await build.ChooseAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(9), Token);
        Assert.Equal(NodeRanking.Rank(key, [.. Three.Where(pod => pod != first)])[0], build.Address.Remote!.Name);
    }

    [Fact]
    public async Task TheOnlyPodOfALostNodeIsTheError()
    {
        Stand(Pods(["pod-0"]), "echo 'Error from server: error dialing backend: dial tcp 10.0.0.1:10250: i/o timeout' >&2; exit 1");
        EngineConnectException e = await FailAsync();
        Assert.Equal(EngineConnectReason.Unreachable, e.Reason);
        Assert.Contains("the cluster does not reach the node of the pod", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AChoiceDuringTheDisposalLeavesNothing()
    {
        string started = Path.Join(_programs.Path, "started");
        string go = Path.Join(_programs.Path, "go");
        Stand(Pods(Three), $"echo $$ > '{started}.part'; mv '{started}.part' '{started}'; while ! [ -e '{go}' ]; do sleep 0.02; done; {Settings}; exec cat");
        using DeploymentConnector deployment = new(Address, Options);
        DeploymentConnector build = For(deployment, "/src/app");
        Task choice = Task.Run(async () => await build.ChooseAsync(Token), Token);
        int process = await ProcessOfAsync(started);
        build.Dispose();
        await File.WriteAllTextAsync(go, "", Token);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => choice);
        await EndOfAsync(process);

        // Its lease is free again.
        using DeploymentConnector next = For(deployment, "/src/app");
        await next.ChooseAsync(Token);
        Assert.Equal(NodeRanking.Rank("/src/app", Three)[0], next.Address.Remote!.Name);
    }

    [Fact]
    public async Task AnExplanationHasTwoSeconds_OnceForAllConnections()
    {
        string asked = Path.Join(_programs.Path, "asked");
        Stand(Pods(["pod-0"]), $"{Settings}; read -r line; exit 3", $"echo $$ >> '{asked}'; exec sleep 60");
        using DeploymentConnector deployment = new(Address, Options);
        using DeploymentConnector build = For(deployment, "/src/app");
        Stream[] streams = [await build.ConnectAsync(Token), await build.ConnectAsync(Token), await build.ConnectAsync(Token)];
        long start = Environment.TickCount64;
        await Task.WhenAll(streams.Select(static stream => Task.Run(() => EndAsync(stream), Token)));
        Assert.InRange(Environment.TickCount64 - start, 1500, 8000);
        string process = Assert.Single(await File.ReadAllLinesAsync(asked, Token));
        await EndOfAsync(int.Parse(process, CultureInfo.InvariantCulture));
        Assert.All(streams, static stream => stream.Dispose());

        static async Task EndAsync(Stream stream)
        {
            await stream.ReadExactlyAsync(new byte[9], Token);
            await stream.WriteAsync("end\n"u8.ToArray(), Token);
            IOException e = await Assert.ThrowsAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1], Token));
            Assert.Contains("kubectl, which carried it, ended with exit code 3", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnExplanationEndsWithItsReader_AndWithTheBuild(bool isInterrupted)
    {
        string asked = Path.Join(_programs.Path, "asked");
        Stand(Pods(["pod-0"]), $"{Settings}; read -r line; exit 137", $"echo $$ > '{asked}.part'; mv '{asked}.part' '{asked}'; exec sleep 60");
        using DeploymentConnector deployment = new(Address, Options);
        using DeploymentConnector build = For(deployment, "/src/app");
        await using BlockingSocketStream stream = new((NetworkStream)await build.ConnectAsync(Token), WorkQueue.Pool);
        await stream.ReadExactlyAsync(new byte[9], Token);
        await stream.WriteAsync("end\n"u8.ToArray(), Token);
        using CancellationTokenSource cancelled = CancellationTokenSource.CreateLinkedTokenSource(Token);
        CancellationToken its = cancelled.Token;
        Task<int> read = Task.Run(async () => await stream.ReadAsync(new byte[1], its), Token);
        int process = await ProcessOfAsync(asked);
        Assert.False(read.IsCompleted);
        long start = Environment.TickCount64;
        if (isInterrupted)
        {
            stream.TryInterruptRead();
            Assert.Equal(0, await read);
        }
        else
        {
            await cancelled.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        }

        Assert.InRange(Environment.TickCount64 - start, 0, 1000);
        build.Dispose();
        await EndOfAsync(process);
    }

    [Fact]
    public async Task ANodeThatCannotBeChosenIsAFailedConnection()
    {
        Stand(Pods(Three), "echo 'Error from server (Forbidden): pods \"x\" is forbidden' >&2; exit 1");
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => BuildAsync(new ImageBuildRequest { ContextPath = "/src/app" }));
        Assert.Equal(EngineConnectReason.ClusterForbidden, e.Reason);
    }

    [Fact]
    public async Task TheLimitOfABuildIncludesTheChoiceOfItsNode()
    {
        Stand(Pods([], notReady: Three), "exit 1");
        ImageBuildException e = await Assert.ThrowsAsync<ImageBuildException>(() => BuildAsync(new ImageBuildRequest { ContextPath = "/src/app", Timeout = TimeSpan.FromMilliseconds(300) }));
        Assert.Equal(BuildFailureKind.TimedOut, e.Kind);
        Assert.Contains("no node was chosen yet", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"items":[{"metadata":{"name":"pod-0"},"status":{"phase":"Pending"}}]}""", EngineConnectReason.NoReadyPod, "no pod is ready (pod-0: its phase is Pending)", true)]
    [InlineData("""{"items":[]}""", EngineConnectReason.NoReadyPod, "no pod is ready (it has no pods)", true)]
    [InlineData("odd", EngineConnectReason.ProgramFailed, "the answer of kubectl is not a list", false)]
    public async Task NoReadyPodIsAnError(string pods, EngineConnectReason reason, string said, bool mayBeStarting)
    {
        Stand(pods, "exit 1");
        EngineConnectException e = await FailAsync();
        Assert.Equal(reason, e.Reason);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        Assert.Equal(mayBeStarting, e.MayBeStarting);
    }

    [Theory]
    [InlineData("Error from server (Forbidden): deployments.apps is forbidden", EngineConnectReason.ClusterForbidden)]
    [InlineData("error: context \"c\" does not exist", EngineConnectReason.ContextNotFound)]
    [InlineData("error: You must be logged in to the server (Unauthorized)", EngineConnectReason.ClusterLoginRefused)]
    [InlineData("Unable to connect to the server: EOF", EngineConnectReason.ClusterUnreachable)]
    [InlineData("odd", EngineConnectReason.ProgramFailed)]
    public async Task TheErrorsOfKubectlAreTold(string said, EngineConnectReason reason)
    {
        _programs.Add("kubectl", $"echo '{said}' >&2; exit 1");
        Assert.Equal(reason, (await FailAsync()).Reason);
    }

    [Theory]
    [InlineData("*exec*", "has the ready pod pod-0, which")]
    [InlineData("*'get pods'*", "was not found: the API server of the cluster did not answer within 1.5 s.")]
    public async Task ATimeoutSaysHowFarTheConnectionCame(string silent, string said)
    {
        Stand(Pods(["pod-0"]), $"{Settings}; exec cat");
        string script = await File.ReadAllTextAsync(Path.Join(_programs.Path, "kubectl"), Token);
        _programs.Add("kubectl", $"case \"$*\" in {silent}) exec sleep 60;; esac\n{script}");
        EngineConnectOptions options = Options with { ConnectTimeout = TimeSpan.FromSeconds(1.5) };
        using DeploymentConnector deployment = new(Address, options with { ConnectTimeout = TimeSpan.FromSeconds(20) });
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectRetry.ConnectAsync(deployment, options, Token));
        Assert.Equal(EngineConnectReason.Timeout, e.Reason);
        Assert.StartsWith($"{Address} {said}", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("within 1.5 s.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMissingWorkloadIsAnError()
    {
        _programs.Add("kubectl", "exit 0");
        EngineConnectException e = await FailAsync();
        Assert.Equal(EngineConnectReason.DeploymentNotFound, e.Reason);
        Assert.Contains($"neither a Deployment nor a StatefulSet {_name} exists in the namespace ci", e.Message, StringComparison.Ordinal);
    }

    private static DeploymentConnector For(DeploymentConnector deployment, string key) => Assert.IsType<DeploymentConnector>(deployment.For(key));

    private static string Pods(string[] ready, string[]? notReady = null) =>
        $$$"""{"items":[{{{string.Join(',', ready.Select(static name => Pod(name, "True")).Concat((notReady ?? []).Select(static name => Pod(name, "False"))))}}}]}""";

    private static string Pod(string name, string ready) =>
        $$$"""{"metadata":{"name":"{{{name}}}"},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"{{{ready}}}"}]}}""";

    private async Task<EngineConnectException> FailAsync()
    {
        using DeploymentConnector deployment = new(Address, Options);
        return await Assert.ThrowsAsync<EngineConnectException>(async () => await deployment.ConnectAsync(Token));
    }

    private async Task BuildAsync(ImageBuildRequest request)
    {
        await using EngineChannel channel = new(new DeploymentConnector(Address, Options), Options);
        await ImageBuild.RunAsync(channel, new EngineProfile(Address, null), request, null, null, Token);
    }

    private static async Task<int> ProcessOfAsync(string file)
    {
        while (!File.Exists(file))
        {
            await Task.Delay(10, Token);
        }

        return int.Parse(await File.ReadAllTextAsync(file, Token), CultureInfo.InvariantCulture);
    }

    private static async Task EndOfAsync(int process)
    {
        long start = Environment.TickCount64;
        while (File.Exists($"/proc/{process}/stat") && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal))
        {
            Assert.InRange(Environment.TickCount64 - start, 0, 10_000);
            await Task.Delay(10, Token);
        }
    }

    private void Stand(string pods, string exec, string? pod = null)
    {
        StringBuilder script = new();
        script.Append("case \"$*\" in\n");
        script.Append($"*'get deployment/'*) echo '{{\"kind\":\"List\",\"items\":[{{\"spec\":{{\"selector\":{{\"matchLabels\":{{\"app\":\"b\"}}}}}}}}]}}';;\n");
        script.Append($"*'get pods --selector=app=b --output=json') echo '{pods}';;\n");
        script.Append($"*'get pod '*) {pod ?? $"cat '{Path.Join(_programs.Path, "pod")}'"};;\n");
        script.Append($"*) {exec};;\nesac");
        _programs.Add("kubectl", script.ToString());
    }
}
