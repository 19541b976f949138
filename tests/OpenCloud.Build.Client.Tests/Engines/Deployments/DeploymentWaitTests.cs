using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Tests.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Deployments;

/// <summary>The wait for the pods of a deployment, with a program that stands in for kubectl.</summary>
public sealed class DeploymentWaitTests : IDisposable
{
    private const string Placed = """{"type":"PodScheduled","status":"True"}""";

    private readonly ProgramFolder _programs = new();
    private readonly List<string> _missing = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _programs.Dispose();

    [Theory]
    [InlineData("""{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}""", null)]
    [InlineData("{}", "it waits for a node")]
    [InlineData("[]", "it waits for a node")]
    [InlineData($$"""{"phase":"Pending","conditions":[{{Placed}}]}""", "its container is being created")]
    [InlineData("""{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/3 nodes are available: 3 Insufficient memory."}]}""", "no node can run it: 0/3 nodes are available: 3 Insufficient memory")]
    [InlineData("""{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory."}""", "it has failed: Evicted: The node was low on resource: memory")]
    [InlineData("""{"phase":"Pending","containerStatuses":[{"name":"buildkitd","state":{"waiting":{"reason":"ContainerCreating"}}}]}""", "its container is being created")]
    [InlineData("""{"phase":"Pending","containerStatuses":[{"name":"buildkitd","state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image."}}}]}""", "the image example.org/b:1 cannot be pulled: Back-off pulling image")]
    [InlineData("""{"phase":"Pending","containerStatuses":[{"name":"buildkitd","state":{"waiting":{"reason":"ErrImagePull"}}}]}""", "the image example.org/b:1 cannot be pulled: ErrImagePull")]
    [InlineData("""{"phase":"Pending","containerStatuses":[{"name":"buildkitd","state":{"waiting":{"reason":"InvalidImageName","message":"couldn't parse it"}}}]}""", "the name of the image example.org/b:1 is not valid: couldn't parse it")]
    [InlineData("""{"phase":"Pending","containerStatuses":[{"name":"buildkitd","state":{"waiting":{"reason":"CreateContainerConfigError","message":"secret \"b-tls\" not found"}}}]}""", "its container cannot be started: secret \"b-tls\" not found")]
    [InlineData("""{"phase":"Running","containerStatuses":[{"name":"buildkitd","restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":1,"reason":"Error"}}}]}""", "its engine has ended 4 times (exit code 1) and is started again after a pause")]
    [InlineData("""{"phase":"Running","containerStatuses":[{"name":"buildkitd","state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}""", "its engine has ended (OOMKilled, exit code 137)")]
    [InlineData("""{"phase":"Running","containerStatuses":[{"name":"buildkitd","ready":false,"state":{"running":{}}}]}""", "its engine runs and does not answer yet")]
    [InlineData("""{"phase":"Running","containerStatuses":[{"name":"buildkitd","state":{"waiting":{"reason":"\u001b[2JOdd","message":"odd"}}}]}""", "its container waits: Odd: odd")]
    public void WhatAPodWaitsForIsSaid(string status, string? expected) => Assert.Equal(expected, PodWait.Describe(new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = "b-0" },
        ["spec"] = JsonNode.Parse("""{"containers":[{"name":"buildkitd","image":"example.org/b:1"}]}"""),
        ["status"] = JsonNode.Parse(status),
    }));

    [Theory]
    [InlineData("""{"replicas":2,"updatedReplicas":2,"readyReplicas":2}""", "2 of 2 pods are ready")]
    [InlineData("""{"replicas":3,"updatedReplicas":2,"readyReplicas":3}""", "2 of 2 pods are ready: pods with the earlier settings end")]
    [InlineData("""{"replicas":2,"updatedReplicas":1,"readyReplicas":2}""", "1 of 2 pods is ready: Kubernetes creates its pods")]
    [InlineData("""{"observedGeneration":2,"replicas":2,"updatedReplicas":2,"readyReplicas":2}""", "0 of 2 pods are ready: Kubernetes creates its pods", 3)]
    [InlineData("""{"observedGeneration":3,"replicas":2,"updatedReplicas":2}""", "0 of 2 pods are ready: its pods start", 3)]
    [InlineData("{}", "0 of 2 pods are ready: Kubernetes creates its pods")]
    [InlineData("""{"conditions":[{"type":"ReplicaFailure","status":"True","message":"pods \"b-\" is forbidden: exceeded quota."}]}""", "0 of 2 pods are ready: Kubernetes cannot create its pods: pods \"b-\" is forbidden: exceeded quota")]
    public void ADeploymentIsCompleteWithTheNewPodsReadyAndTheOldOnesGone(string status, string expected, int generation = 0)
    {
        JsonObject workload = new()
        {
            ["metadata"] = new JsonObject { ["generation"] = generation },
            ["spec"] = new JsonObject { ["replicas"] = 2 },
            ["status"] = JsonNode.Parse(status),
        };
        DeploymentRollout rollout = DeploymentRollout.Of(workload, null);
        Assert.Equal(expected, rollout.Describe());
        Assert.Equal(!expected.Contains(':', StringComparison.Ordinal), rollout.IsComplete);
    }

    [Fact]
    public void OnlyTheFirstPodsAreNamed()
    {
        JsonObject[] pods = [.. Enumerable.Range(0, 8).Select(static i => new JsonObject { ["metadata"] = new JsonObject { ["name"] = $"b-{i}" } }), new JsonObject { ["metadata"] = new JsonObject { ["name"] = "-x" } }];
        string said = DeploymentRollout.Of(new JsonObject { ["spec"] = new JsonObject { ["replicas"] = 8 } }, pods).Describe();
        Assert.StartsWith("0 of 8 pods are ready: b-0: it waits for a node; b-1:", said, StringComparison.Ordinal);
        Assert.EndsWith("; b-4: it waits for a node; and 3 more", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheWaitEndsWithTheLastPod()
    {
        // The third answer is complete; at the second one the API server is away.
        BuildKitDeployments deployments = Open(
            $$"""
            n=$(($(cat '{{Count}}' 2>/dev/null || echo 0) + 1)); echo $n > '{{Count}}'
            case $n in
            1) printf '%s' '{{Items("\"updatedReplicas\":1,\"readyReplicas\":0")}}';;
            2) echo 'The connection to the server h:6443 was refused - did you specify the right host or port?' >&2; exit 1;;
            *) printf '%s' '{{Items("\"updatedReplicas\":1,\"readyReplicas\":1")}}';;
            esac
            """);
        BuildKitDeployment ready = await deployments.WaitAsync(new BuildKitDeployment { Name = "b", Namespace = "ci" }, TimeSpan.FromSeconds(60), (_, text) => _missing.Add(text), Token);
        Assert.Equal(1, ready.Ready);
        Assert.Equal("0 of 1 pod is ready: b-0: it waits for a node.", _missing[0]);
        Assert.Contains("was refused", _missing[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheEndOfTheTimeSaysWhatIsMissing()
    {
        BuildKitDeployments deployments = Open($"printf '%s' '{Items("\"updatedReplicas\":1")}'");
        KubernetesException e = await Assert.ThrowsAsync<KubernetesException>(
            () => deployments.WaitAsync(new BuildKitDeployment { Name = "b", Namespace = "ci" }, TimeSpan.FromSeconds(1.5), null, Token));
        Assert.Equal(KubernetesProblem.NotReady, e.Problem);
        Assert.Equal("The deployment 'b' was applied, but is not ready after 1.5 s: 0 of 1 pod is ready: b-0: it waits for a node.", e.Message);
    }

    [Fact]
    public async Task PodsThatTheUserCannotReadAreNotRequired()
    {
        BuildKitDeployments deployments = Open(
            $$"""
            case "$*" in *,pods*) echo 'Error from server (Forbidden): pods is forbidden: User "u" cannot list' >&2; exit 1;; esac
            printf '%s' '{{Items("\"updatedReplicas\":1")}}'
            """);
        KubernetesException e = await Assert.ThrowsAsync<KubernetesException>(
            () => deployments.WaitAsync(new BuildKitDeployment { Name = "b", Namespace = "ci" }, TimeSpan.FromSeconds(1.5), null, Token));
        Assert.EndsWith("0 of 1 pod is ready: its pods start (the pods cannot be read: the user of the context has no right to list them).", e.Message, StringComparison.Ordinal);
    }

    private string Count => Path.Join(_programs.Path, "count");

    private static string Items(string status) =>
        $$$"""{"items":[{"kind":"Deployment","metadata":{"name":"b"},"spec":{"replicas":1},"status":{{{{status}}}}},{"kind":"Pod","metadata":{"name":"b-0"}}]}""";

    private BuildKitDeployments Open(string script)
    {
        _programs.Add("kubectl", script);
        return new BuildKitDeployments(null, "ci", TimeSpan.FromSeconds(20), name => name == "PATH" ? $"{_programs.Path}:/usr/bin:/bin" : null);
    }
}
