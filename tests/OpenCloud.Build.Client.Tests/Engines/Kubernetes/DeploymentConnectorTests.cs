using System.Text;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Nodes;
using OpenCloud.Build.Client.Tests.Programs;
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

    private void Stand(string pods, string exec)
    {
        StringBuilder script = new();
        script.Append("case \"$*\" in\n");
        script.Append($"*'get deployment/'*) echo '{{\"kind\":\"List\",\"items\":[{{\"spec\":{{\"selector\":{{\"matchLabels\":{{\"app\":\"b\"}}}}}}}}]}}';;\n");
        script.Append($"*'get pods --selector=app=b --output=json') echo '{pods}';;\n");
        script.Append($"*'get pod '*) cat '{Path.Join(_programs.Path, "pod")}';;\n");
        script.Append($"*) {exec};;\nesac");
        _programs.Add("kubectl", script.ToString());
    }
}
