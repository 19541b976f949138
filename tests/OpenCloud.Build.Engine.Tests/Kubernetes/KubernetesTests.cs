using System.Text.Json.Nodes;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Kubernetes;

/// <summary>Engines on Kubernetes, with a real kubectl, an API server of the tests, and a real engine behind each pod.</summary>
public sealed class KubernetesTests(EngineFixture engines)
{
    private static readonly BuildKitDeploymentOptions Three = new() { Name = "builders", Replicas = 3 };

    private static string? Given => Environment.GetEnvironmentVariable("OPENCLOUD_BUILD_TEST_ENGINE") is { Length: > 0 } ? EngineNames.Given : null;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ADeploymentIsApplied_Read_Scaled_AndRemoved()
    {
        await using Cluster cluster = await StartAsync();
        BuildKitDeployments deployments = cluster.Deployments();
        BuildKitDeployment made = await deployments.ApplyAsync(Three, cancellationToken: Cancellation);
        Assert.Equal(("builders", "ci", 3, 3), (made.Name, made.Namespace, made.Replicas, made.Ready));
        Assert.Equal("kube-deployment://builders?namespace=ci", made.Address);
        Assert.Equal(3, cluster.Server.Objects.List("ci", "pods", null, null).Count);
        Assert.NotNull(cluster.Server.Objects.Find("ci", "poddisruptionbudgets", "builders"));

        await deployments.ScaleAsync(made, 5, Cancellation);
        await deployments.SetImageAsync(made, "example.org/buildkit:2", Cancellation);
        BuildKitDeployment changed = Assert.Single(await deployments.ListAsync(allNamespaces: true, Cancellation));
        Assert.Equal((5, "example.org/buildkit:2"), (changed.Replicas, changed.Image));
        // The same again, and as a StatefulSet of another name, rootless.
        _ = await deployments.ApplyAsync(Three, cancellationToken: Cancellation);
        BuildKitDeployment stateful = await deployments.ApplyAsync(new() { Name = "kept", Kind = BuildKitDeploymentKind.StatefulSet, CacheSize = "1Gi", IsRootless = true }, cancellationToken: Cancellation);
        Assert.Equal((BuildKitDeploymentKind.StatefulSet, true), (stateful.Kind, stateful.IsRootless));
        Assert.NotNull(cluster.Server.Objects.Find("ci", "services", "kept"));

        await deployments.RemoveAsync(made, cancellationToken: Cancellation);
        Assert.Equal("kept", Assert.Single(await deployments.ListAsync(cancellationToken: Cancellation)).Name);
        Assert.Null(cluster.Server.Objects.Find("ci", "poddisruptionbudgets", "builders"));
        Assert.Equal(["kept-0"], cluster.Server.Objects.List("ci", "pods", null, null).Select(static p => (string?)p["metadata"]!["name"]));
        KubernetesException gone = await Assert.ThrowsAsync<KubernetesException>(() => deployments.FindAsync("builders", Cancellation));
        Assert.Equal(KubernetesProblem.NotFound, gone.Problem);
    }

    [Fact]
    public async Task WhatIsNotAllowedOrNotThereIsSaid()
    {
        await using Cluster cluster = await StartAsync();
        BuildKitDeployments deployments = cluster.Deployments();
        async Task<KubernetesProblem> ProblemAsync(Func<Task> work) => (await Assert.ThrowsAsync<KubernetesException>(work)).Problem;

        Assert.Equal(KubernetesProblem.NamespaceNotFound, await ProblemAsync(() => cluster.Deployments("nowhere").ApplyAsync(Three, cancellationToken: Cancellation)));
        Assert.Equal(KubernetesProblem.ContextNotFound, await ProblemAsync(() => cluster.Deployments(context: "nowhere").ListAsync(cancellationToken: Cancellation)));
        cluster.Server.Forbidden = "patch deployments";
        Assert.Equal(KubernetesProblem.Forbidden, await ProblemAsync(() => deployments.ApplyAsync(Three, cancellationToken: Cancellation)));
        cluster.Server.Forbidden = null;
        BuildKitDeployment made = await deployments.ApplyAsync(Three, cancellationToken: Cancellation);

        // An autoscaler has other numbers.
        await cluster.RunAsync("patch", "deployment/builders", "--subresource=scale", "--type=merge", "--patch={\"spec\":{\"replicas\":4}}", "--field-manager=hpa");
        Assert.Equal(KubernetesProblem.Conflict, await ProblemAsync(() => deployments.ApplyAsync(Three, cancellationToken: Cancellation)));
        Assert.Equal(3, (await deployments.ApplyAsync(Three, force: true, Cancellation)).Replicas);

        // Objects of others.
        cluster.Server.Objects.Put("ci", "services", "theirs", static o => (o["kind"], o["apiVersion"]) = ("Service", "v1"));
        Assert.Equal(KubernetesProblem.Exists, await ProblemAsync(() => deployments.ApplyAsync(Three with { Name = "theirs" }, cancellationToken: Cancellation)));
        Assert.Equal(KubernetesProblem.Exists, await ProblemAsync(() => deployments.ApplyAsync(Three with { Kind = BuildKitDeploymentKind.StatefulSet }, cancellationToken: Cancellation)));

        cluster.Server.Forbidden = "exec pods";
        EngineConnectException exec = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(EngineAddress.Parse(made.Address), cluster.Options, Cancellation));
        Assert.Equal(EngineConnectReason.ClusterForbidden, exec.Reason);
        cluster.Server.Forbidden = null;
        EngineConnectException missing = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(EngineAddress.Parse("kube-deployment://nothing?namespace=ci"), cluster.Options, Cancellation));
        Assert.Equal(EngineConnectReason.DeploymentNotFound, missing.Reason);
        await deployments.ScaleAsync(made, 0, Cancellation);
        EngineConnectException none = await Assert.ThrowsAsync<EngineConnectException>(async () => await EngineConnectors.Create(EngineAddress.Parse(made.Address), cluster.Options).ConnectAsync(Cancellation));
        Assert.Equal(EngineConnectReason.NoReadyPod, none.Reason);
    }

    [Fact]
    public async Task WhatWasSetIsAppliedWithOtherValuesWithoutForce()
    {
        const string Pods = "conflicts with \"opencloud.build\" with subresource \"scale\" using apps/v1:\n- .spec.replicas";
        const string Image = ".spec.template.spec.containers[name=\"buildkitd\"].image";
        await using Cluster cluster = await StartAsync();
        BuildKitDeployments deployments = cluster.Deployments();
        BuildKitDeployment made = await deployments.ApplyAsync(Three, cancellationToken: Cancellation);
        await deployments.ScaleAsync(made, 5, Cancellation);
        await deployments.SetImageAsync(made, "example.org/buildkit:2", Cancellation);

        // Without a number, it stays.
        BuildKitDeployment kept = await deployments.ApplyAsync(Three with { Replicas = null, Image = "example.org/buildkit:3" }, cancellationToken: Cancellation);
        Assert.Equal((5, "example.org/buildkit:3"), (kept.Replicas, kept.Image));
        Assert.Equal(5, cluster.Server.Objects.List("ci", "pods", null, null).Count);
        Assert.Equal([$"Apply failed with 1 conflict: conflict with \"opencloud.build\" using apps/v1: {Image}"], cluster.Server.Conflicts);

        // Both are other ones.
        cluster.Server.Conflicts.Clear();
        await deployments.SetImageAsync(made, "example.org/buildkit:4", Cancellation);
        BuildKitDeployment changed = await deployments.ApplyAsync(Three, cancellationToken: Cancellation);
        Assert.Equal((3, made.Image), (changed.Replicas, changed.Image));
        Assert.Equal(3, cluster.Server.Objects.List("ci", "pods", null, null).Count);
        Assert.Equal([$"Apply failed with 2 conflicts: {Pods}\nconflicts with \"opencloud.build\" using apps/v1:\n- {Image}"], cluster.Server.Conflicts);

        // The apply owns them now.
        cluster.Server.Conflicts.Clear();
        Assert.Equal(4, (await deployments.ApplyAsync(Three with { Replicas = 4 }, cancellationToken: Cancellation)).Replicas);
        Assert.Empty(cluster.Server.Conflicts);
    }

    [Fact]
    public async Task FieldsOfOthersAreNamed_AndNothingChanges()
    {
        const string Pods = "conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas";
        await using Cluster cluster = await StartAsync();
        BuildKitDeployments deployments = cluster.Deployments();
        BuildKitDeployment made = await deployments.ApplyAsync(Three, cancellationToken: Cancellation);
        await cluster.RunAsync("scale", "deployment/builders", "--replicas=4");
        string before = Stored(cluster);
        KubernetesException pods = await Assert.ThrowsAsync<KubernetesException>(() => deployments.ApplyAsync(Three, cancellationToken: Cancellation));
        Assert.Equal(KubernetesProblem.Conflict, pods.Problem);
        Assert.EndsWith($"kubectl reports: Apply failed with 1 conflict: {Pods}.", pods.Message, StringComparison.Ordinal);
        Assert.Equal(before, Stored(cluster));

        // The same number is no conflict, and does not take the field.
        Assert.Equal(4, (await deployments.ApplyAsync(Three with { Replicas = null }, cancellationToken: Cancellation)).Replicas);
        // One that is its own does not make the other one its own.
        await deployments.SetImageAsync(made, "example.org/buildkit:2", Cancellation);
        before = Stored(cluster);
        KubernetesException both = await Assert.ThrowsAsync<KubernetesException>(() => deployments.ApplyAsync(Three, cancellationToken: Cancellation));
        Assert.Equal(KubernetesProblem.Conflict, both.Problem);
        Assert.Contains("2 conflicts: conflicts with \"kubectl\" with subresource \"scale\" using apps/v1: - .spec.replicas conflicts with \"opencloud.build\" using apps/v1: - .spec.template.spec.containers[name=\"buildkitd\"].image.", both.Message, StringComparison.Ordinal);
        Assert.Equal(before, Stored(cluster));

        BuildKitDeployment forced = await deployments.ApplyAsync(Three, force: true, Cancellation);
        Assert.Equal((3, made.Image), (forced.Replicas, forced.Image));
        Assert.Equal(2, (await deployments.ApplyAsync(Three with { Replicas = 2 }, cancellationToken: Cancellation)).Replicas);
    }

    [Fact]
    public async Task ARefusedDryRunLeavesNothing()
    {
        // kubectl applies a Service before it, and a PodDisruptionBudget after it.
        const string Forbidden = "patch statefulsets";
        await using Cluster cluster = await StartAsync();
        BuildKitDeployments deployments = cluster.Deployments();
        BuildKitDeploymentOptions kept = new() { Name = "kept", Kind = BuildKitDeploymentKind.StatefulSet, CacheSize = "1Gi" };
        cluster.Server.Forbidden = Forbidden;
        KubernetesException refused = await Assert.ThrowsAsync<KubernetesException>(() => deployments.ApplyAsync(kept, cancellationToken: Cancellation));
        Assert.Equal(KubernetesProblem.Forbidden, refused.Problem);
        Assert.Equal("", Stored(cluster));

        // Nor does it change what exists.
        cluster.Server.Forbidden = null;
        _ = await deployments.ApplyAsync(kept, cancellationToken: Cancellation);
        string before = Stored(cluster);
        cluster.Server.Forbidden = Forbidden;
        await Assert.ThrowsAsync<KubernetesException>(() => deployments.ApplyAsync(kept with { Replicas = 2, IsRootless = true }, cancellationToken: Cancellation));
        Assert.Equal(before, Stored(cluster));
    }

    [Fact]
    public async Task ADeploymentIsWaitedFor_AndWhatIsMissingIsSaid()
    {
        await using Cluster cluster = await StartAsync();
        cluster.Server.Objects.StartsReady = false;
        BuildKitDeployments deployments = cluster.Deployments();
        BuildKitDeployment made = await deployments.ApplyAsync(Three, cancellationToken: Cancellation);
        cluster.Server.Objects.ChangePod("ci", "builders-1", static p => p["status"]!["containerStatuses"] =
            JsonNode.Parse("""[{"name":"buildkitd","state":{"waiting":{"reason":"ImagePullBackOff","message":"not found"}}}]"""));
        List<string> missing = [];
        BuildKitDeployment ready = await deployments.WaitAsync(made, TimeSpan.FromSeconds(60), Observe, Cancellation);
        Assert.Equal(3, ready.Ready);
        Assert.Equal($"0 of 3 pods are ready: builders-0: it waits for a node; builders-1: the image {made.Image} cannot be pulled: not found; builders-2: it waits for a node.", missing[0]);

        void Observe(BuildKitDeployment now, string text)
        {
            missing.Add(text);
            cluster.Server.Objects.StartsReady = true;
            cluster.Server.Objects.Put("ci", "deployments", "builders", static _ => { });
        }
    }

    [Fact]
    public async Task BuildsOfAContextReturnToTheirPod_AndOnlyReadyPodsGetBuilds()
    {
        await using Cluster cluster = await StartAsync();
        BuildKitDeployment made = await cluster.Deployments().ApplyAsync(Three, cancellationToken: Cancellation);
        await using BuildKitClient client = await BuildKitClient.ConnectAsync(EngineAddress.Parse(made.Address), cluster.Options, Cancellation);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /\n");
        ImageBuildRequest request = new() { ContextPath = context.Path };
        string first = (await client.BuildAsync(request, null, Cancellation)).Address;
        Assert.Equal(first, (await client.BuildAsync(request, null, Cancellation)).Address);

        string pod = EngineAddress.Parse(first).Remote!.Name;
        cluster.Server.Objects.ChangePod("ci", pod, static p => p["status"]!["conditions"]![0]!["status"] = "False");
        await Task.Delay(TimeSpan.FromSeconds(1.1), Cancellation);
        Assert.NotEqual(first, (await client.BuildAsync(request, null, Cancellation)).Address);

        // Over the pod itself, too.
        await using BuildKitClient single = await BuildKitClient.ConnectAsync(EngineAddress.Parse(first), cluster.Options, Cancellation);
        ImageBuildResult alone = await single.BuildAsync(request, null, Cancellation);
        Assert.Equal($"kube-pod://{pod}?namespace=ci", alone.Address);
    }

    [Fact]
    public async Task FewerPodsDoNotDisturbABuild_AndAnEvictionIsExplained()
    {
        await using Cluster cluster = await StartAsync();
        BuildKitDeployments deployments = cluster.Deployments();
        BuildKitDeployment made = await deployments.ApplyAsync(Three, cancellationToken: Cancellation);
        await using BuildKitClient client = await BuildKitClient.ConnectAsync(EngineAddress.Parse(made.Address), cluster.Options, Cancellation);
        using ContextFolder scaled = await SleeperAsync();
        Begun begun = new();
        Task<ImageBuildResult> build = client.BuildAsync(new ImageBuildRequest { ContextPath = scaled.Path, BuildArguments = new Dictionary<string, string> { ["SECONDS"] = "3" } }, begun, Cancellation);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        await deployments.ScaleAsync(made, 0, Cancellation);
        ImageBuildResult result = await build;
        Assert.StartsWith("kube-pod://builders-", result.Address, StringComparison.Ordinal);

        await deployments.ScaleAsync(made, 3, Cancellation);
        using ContextFolder evicted = await SleeperAsync();
        begun = new();
        build = client.BuildAsync(new ImageBuildRequest { ContextPath = evicted.Path, BuildArguments = new Dictionary<string, string> { ["SECONDS"] = "120" } }, begun, Cancellation);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        string pod = cluster.Server.Commands.Last();
        cluster.Server.Evict("ci", pod);
        ImageBuildException lost = await Assert.ThrowsAsync<ImageBuildException>(() => build.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
        Assert.Equal(BuildFailureKind.EngineLost, lost.Kind);
        Assert.Contains($"The pod {pod} was evicted: The node was low on resource: memory.", lost.Message, StringComparison.Ordinal);
    }

    private static string Stored(Cluster cluster) => string.Join('\n', new[] { "deployments", "statefulsets", "services", "secrets", "poddisruptionbudgets", "pods" }
        .SelectMany(resource => cluster.Server.Objects.List(null, resource, null, null)).Select(static o => o.ToJsonString()));

    private static async Task<ContextFolder> SleeperAsync() =>
        await ContextFolder.CreateAsync($"FROM scratch\nARG SECONDS\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo {Guid.NewGuid():n}; exec /bin/busybox sleep $SECONDS\"]\n");

    private async Task<Cluster> StartAsync() => await Cluster.StartAsync(await engines.GetAsync(Given ?? EngineNames.Docker28));

    /// <summary>Completes when a step has written something.</summary>
    private sealed class Begun : IBuildObserver
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Task => _begun.Task;

        public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events)
        {
            if (events.Any(static e => e is StepLogged))
            {
                _begun.TrySetResult();
            }
        }
    }
}
