using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Kubernetes;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Kubernetes;

public sealed class PodTests
{
    private const string Ready = """{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"buildkitd","ready":true}]}""";

    [Theory]
    [InlineData("{}", Ready, null, null)]
    [InlineData("{}", Ready, "buildkitd", null)]
    [InlineData("{}", Ready, "other", "it has no container other")]
    [InlineData("""{"deletionTimestamp":"2026-11-30T00:00:00Z"}""", Ready, null, "it is being removed")]
    [InlineData("{}", """{"phase":"Pending"}""", null, "its phase is Pending")]
    [InlineData("{}", """{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image."}}}]}""", null, "ImagePullBackOff: Back-off pulling image")]
    [InlineData("{}", """{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory."}""", null, "Evicted: The node was low on resource: memory")]
    [InlineData("{}", """{"phase":"Running","conditions":[{"type":"Ready","status":"False"}]}""", null, "it is not ready")]
    [InlineData("{}", """{"phase":"Running","containerStatuses":[{"name":"buildkitd","ready":false,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}""", "buildkitd", "CrashLoopBackOff")]
    [InlineData("{}", """{"phase":"Running","containerStatuses":[{"name":"buildkitd","ready":false}]}""", "buildkitd", "its container buildkitd is not ready")]
    [InlineData("{}", """{"phase":"Running","conditions":[{"type":"Ready","status":"False"}],"containerStatuses":[{"name":"buildkitd","ready":true}]}""", "buildkitd", "it is not ready")]
    [InlineData("{}", "[]", null, "its phase is unknown")]
    [InlineData("{}", """{"phase":"\u001b[2Jodd"}""", null, "its phase is odd")]
    public void APodIsReady_OrItIsSaidWhyNot(string metadata, string status, string? container, string? expected)
    {
        JsonObject meta = JsonNode.Parse(metadata)!.AsObject();
        meta["name"] = "pod-0";
        PodList? pods = PodList.Parse(new JsonObject { ["items"] = new JsonArray(new JsonObject { ["metadata"] = meta, ["status"] = JsonNode.Parse(status) }) }.ToJsonString(), container);
        Assert.Equal(expected, Assert.Single(pods!.Pods).NotReady);
        Assert.Equal(expected is null ? ["pod-0"] : [], pods.Ready);
        Assert.Equal(expected is null ? "it has no pods" : $"pod-0: {expected}", pods.Describe());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{"items":{}}""")]
    public void WhatIsNotAListIsNone(string json) => Assert.Null(PodList.Parse(json, null));

    [Fact]
    public void NamelessEntriesAreLeftOut() => Assert.Empty(PodList.Parse("""{"items":[1,{},{"metadata":{"name":3}}]}""", null)!.Pods);

    [Theory]
    [InlineData("--kubeconfig=/tmp/x")]
    [InlineData("-i")]
    [InlineData("Pod-0")]
    [InlineData("pod 0")]
    [InlineData("pod-0\n")]
    [InlineData("\u001b[2Jpod-0")]
    [InlineData("")]
    public void NamesThatNoPodCanHaveAreLeftOut(string name)
    {
        JsonObject pod = new() { ["metadata"] = new JsonObject { ["name"] = name }, ["status"] = JsonNode.Parse(Ready) };
        Assert.Empty(PodList.Parse(new JsonObject { ["items"] = new JsonArray(pod) }.ToJsonString(), null)!.Pods);
    }

    [Theory]
    [InlineData(null, "The container sidecar of the pod pod-0 has ended (Completed).")]
    [InlineData("buildkitd", null)]
    public void OnlyTheEndOfTheUsedContainerExplainsTheEnd(string? used, string? expected) => Assert.Equal(expected, PodEnd.Explain("pod-0", used, new JsonObject
    {
        ["status"] = JsonNode.Parse("""{"phase":"Running","containerStatuses":[{"name":"sidecar","ready":false,"state":{"terminated":{"reason":"Completed"}}},{"name":"buildkitd","ready":true}]}"""),
    }));

    [Theory]
    [InlineData("{}", Ready, null)]
    [InlineData("{}", """{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory."}""", "The pod pod-0 was evicted: The node was low on resource: memory.")]
    [InlineData("{}", """{"phase":"Failed","reason":"NodeLost"}""", "The pod pod-0 has failed (NodeLost).")]
    [InlineData("""{"deletionTimestamp":"2026-11-30T00:00:00Z"}""", Ready, "The pod pod-0 was deleted.")]
    [InlineData("""{"deletionTimestamp":"2026-11-30T00:00:00Z"}""", """{"conditions":[{"type":"DisruptionTarget","status":"True","reason":"EvictionByEvictionAPI","message":"Eviction API: evicting"}]}""", "The pod pod-0 was evicted (EvictionByEvictionAPI): Eviction API: evicting.")]
    [InlineData("{}", """{"phase":"Running","containerStatuses":[{"name":"buildkitd","ready":false,"state":{"terminated":{"reason":"OOMKilled"}}}]}""", "The container buildkitd of the pod pod-0 has ended (OOMKilled).")]
    [InlineData("{}", """{"phase":"Running","containerStatuses":[{"name":"buildkitd","ready":false,"state":{"running":{}},"lastState":{"terminated":{"reason":"Error","message":"odd"}}}]}""", "The container buildkitd of the pod pod-0 has ended (Error): odd.")]
    public void TheEndOfAPodIsExplained(string metadata, string status, string? expected) =>
        Assert.Equal(expected, PodEnd.Explain("pod-0", null, new JsonObject { ["metadata"] = JsonNode.Parse(metadata), ["status"] = JsonNode.Parse(status) }));

    [Theory]
    [InlineData("""{"spec":{"selector":{"matchLabels":{"app":"b","tier":"x"}}}}""", "app=b,tier=x")]
    [InlineData("""{"spec":{"selector":{"matchLabels":{}}}}""", null)]
    [InlineData("""{"spec":{"selector":{"matchLabels":{"app":"b"},"matchExpressions":[]}}}""", null)]
    [InlineData("{}", null)]
    public void PodsAreSelectedByLabels(string workload, string? expected) => Assert.Equal(expected, DeploymentPods.SelectorOf(JsonNode.Parse(workload)!.AsObject()));
}
