using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Tests.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Containers;

/// <summary>Engines as containers on an engine in memory: the requests, and that a failure at any of them leaves what was there before.</summary>
public sealed class BuildKitContainersTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(300);

    private readonly FakeDocker _docker = new();
    private readonly ProgramFolder _programs = new();
    private readonly BuildKitContainers _containers;

    public BuildKitContainersTests()
    {
        _programs.Add("docker", "exit 1");
        _docker.AddImage("engine:1");
        _docker.AddImage("engine:2");
        _containers = Open(_docker.Address);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _containers.DisposeAsync();
        await _docker.DisposeAsync();
        _programs.Dispose();
    }

    [Fact]
    public async Task An_engine_is_privileged_without_a_network_and_marked()
    {
        BuildKitContainer made = await ApplyAsync(Of("engine:1"));
        Assert.Equal("docker-container://box", made.Address);
        Assert.Equal(BuildKitContainerChange.Created, made.Change);
        JsonNode host = _docker.Container("box")["HostConfig"]!;
        Assert.Equal("""{"NetworkMode":"none","RestartPolicy":{"Name":"always"},"Mounts":[{"Type":"volume","Source":"box-cache","Target":"/var/lib/buildkit"}],"Privileged":true}""", host.ToJsonString());
        JsonNode labels = _docker.Container("box")["Config"]!["Labels"]!;
        Assert.Equal("true", labels["opencloud.build.internal"]!.ToString());
        Assert.Equal(made.Digest, labels["opencloud.build.image.digest"]!.ToString());
        Assert.Equal(ContainerLabels.OwnVersion, labels["opencloud.build.version"]!.ToString());
        Assert.Equal([made with { Change = BuildKitContainerChange.None }], await _containers.ListAsync(Token));
    }

    [Fact]
    public async Task A_rootless_engine_has_no_privileges_and_its_own_folder()
    {
        await ApplyAsync(Of("engine:1") with { IsRootless = true });
        string host = _docker.Container("box")["HostConfig"]!.ToJsonString();
        Assert.DoesNotContain("Privileged", host, StringComparison.Ordinal);
        Assert.Contains("\"Target\":\"/home/user/.local/share/buildkit\"", host, StringComparison.Ordinal);
        Assert.Contains("""
            "SecurityOpt":["seccomp=unconfined","apparmor=unconfined"],"MaskedPaths":[],"ReadonlyPaths":[]
            """, host, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_request_changes_nothing()
    {
        await ApplyAsync(Of("engine:1"));
        string before = _docker.State;
        _docker.Count(failing: 1);
        Assert.Equal(BuildKitContainerChange.None, (await ApplyAsync(Of("engine:1"))).Change);
        Assert.Equal(BuildKitContainerChange.None, (await ApplyAsync(new BuildKitContainerRequest { Name = "box" })).Change);
        Assert.Equal(before, _docker.State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failure_of_any_change_leaves_what_was_there(bool isUpdate)
    {
        if (isUpdate)
        {
            await ApplyAsync(Of("engine:1"));
        }

        string before = _docker.State;
        int failing = 0;
        bool isDone = false;
        while (!isDone && ++failing < 20)
        {
            BuildKitContainerPlan plan = await _containers.PlanAsync(Of("engine:2"), isUpdate, Token);
            _docker.Count(failing);
            try
            {
                await _containers.ApplyAsync(plan, static (_, _) => Task.CompletedTask, Limit, Token);
                isDone = true;
            }
            catch (DockerEngineException)
            {
                // The last change removes the previous container: the new one answers already.
                if (!_docker.State.Contains("box.previous", StringComparison.Ordinal))
                {
                    Assert.Equal(before, _docker.State);
                }
            }
        }

        Assert.InRange(failing, 3, 10);
        Assert.Equal("running", (await _containers.GetAsync("box", Token)).State);
        Assert.DoesNotContain("previous", _docker.State, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engine_that_does_not_answer_is_removed_or_replaced_by_the_previous_one()
    {
        string empty = _docker.State;
        BuildKitContainerException failure = await Assert.ThrowsAsync<BuildKitContainerException>(() => ApplyAsync(Of("engine:1"), Silent));
        Assert.Equal(BuildKitContainerProblem.NotReady, failure.Problem);
        Assert.Contains("nothing listens", failure.Message, StringComparison.Ordinal);
        Assert.Equal(empty, _docker.State);

        await ApplyAsync(Of("engine:1"));
        string before = _docker.State;
        _docker.Restarts = 3;
        failure = await Assert.ThrowsAsync<BuildKitContainerException>(() => ApplyAsync(Of("engine:2"), Silent));
        Assert.Contains("ended 3 times", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, _docker.State);
    }

    [Fact]
    public async Task A_failure_after_the_engine_answers_undoes_all_and_keeps_an_earlier_cache()
    {
        await ApplyAsync(Of("engine:1") with { CacheVolume = "kept" });
        await _containers.RemoveAsync("box", keepCache: true, Token);
        string before = _docker.State;
        Assert.Contains("volume kept", before, StringComparison.Ordinal);
        await Assert.ThrowsAsync<NotSupportedException>(() => ApplyAsync(Of("engine:1") with { CacheVolume = "kept" }, static (_, _) => throw new NotSupportedException()));
        Assert.Equal(before, _docker.State);

        await ApplyAsync(Of("engine:1") with { CacheVolume = "kept" });
        before = _docker.State;
        await Assert.ThrowsAsync<NotSupportedException>(() => ApplyAsync(Of("engine:2"), static (_, _) => throw new NotSupportedException()));
        Assert.Equal(before, _docker.State);
    }

    [Fact]
    public async Task A_cancelled_run_leaves_nothing()
    {
        string before = _docker.State;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        BuildKitContainerPlan plan = await _containers.PlanAsync(Of("engine:1"), false, Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _containers.ApplyAsync(
            plan,
            async (_, token) =>
            {
                await stop.CancelAsync();
                await Task.Delay(Timeout.Infinite, token);
            },
            TimeSpan.FromMinutes(1),
            stop.Token));
        Assert.Equal(before, _docker.State);
    }

    [Fact]
    public async Task An_interrupted_update_continues_from_the_previous_container()
    {
        BuildKitContainer old = await ApplyAsync(Of("engine:1"));
        await ApplyAsync(Of("engine:2"));

        // As when the process ended while it waited: the previous container is still there, and the new one has its name.
        BuildKitContainer interrupted = await _containers.GetAsync("box", Token);
        await ApplyAsync(new BuildKitContainerRequest { Name = "other", Image = ImageReference.Parse("engine:1") });
        JsonObject previous = _docker.Container("other");
        previous["Config"]!["Labels"]!["opencloud.build.engine"] = "box";
        await new DockerContainers(new DockerEngineClient(EngineAddress.Parse(_docker.Address), new EngineConnectOptions())).RenameAsync(previous["Id"]!.ToString(), "box.previous", Token);

        BuildKitContainer again = await ApplyAsync(Of("engine:1"));
        Assert.Equal((BuildKitContainerChange.Started, old.Digest), (again.Change, again.Digest));
        Assert.NotEqual(interrupted.Id, again.Id);
        Assert.DoesNotContain("previous", _docker.State, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Containers_and_volumes_of_others_are_not_touched()
    {
        await ApplyAsync(Of("engine:1"));
        _docker.Container("box")["Config"]!["Labels"] = new JsonObject();
        _docker.AddVolume("mine-cache");
        string before = _docker.State;
        await FailsAsync(BuildKitContainerProblem.Foreign, () => ApplyAsync(Of("engine:2")));
        await FailsAsync(BuildKitContainerProblem.Foreign, () => _containers.RemoveAsync("box", false, Token));
        await FailsAsync(BuildKitContainerProblem.Foreign, () => ApplyAsync(Of("engine:1") with { Name = "mine" }));
        Assert.Empty(await _containers.ListAsync(Token));

        // The API takes the beginning of an id for a name.
        await FailsAsync(BuildKitContainerProblem.NotFound, () => _containers.RemoveAsync("0000", false, Token));
        Assert.Equal(before, _docker.State);
        await ApplyAsync(Of("engine:1") with { Name = "mine", CacheVolume = "mine-cache" });
        await _containers.RemoveAsync("mine", false, Token);
        Assert.Equal(before, _docker.State);
    }

    [Fact]
    public async Task A_container_with_a_volume_of_the_user_is_updated_and_found_unchanged()
    {
        _docker.AddVolume("mine");
        await ApplyAsync(Of("engine:1") with { CacheVolume = "mine" });
        await _containers.CheckAsync(Of("engine:1") with { Network = "none" }, false, Token);
        Assert.Equal(BuildKitContainerChange.None, (await ApplyAsync(Of("engine:1"))).Change);
        Assert.Equal(BuildKitContainerChange.Updated, (await ApplyAsync(Of("engine:2"))).Change);
        await _containers.RemoveAsync("box", false, Token);
        Assert.StartsWith("volume mine\n", _docker.State, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_fails_does_not_remove_the_container_of_another()
    {
        await ApplyAsync(Of("engine:1"));
        string? restored = null;
        await FailsAsync(BuildKitContainerProblem.NotReady, () => ApplyAsync(Of("engine:2"), async (address, _) =>
        {
            // Another run takes this update for an interrupted one.
            restored ??= (await ApplyAsync(new BuildKitContainerRequest { Name = "box" })).Id;
            await Silent(address, Token);
        }));
        Assert.Equal(restored, (await _containers.GetAsync("box", Token)).Id);
        Assert.DoesNotContain("previous", _docker.State, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_update_that_still_waits_is_not_taken_for_an_interrupted_one()
    {
        await ApplyAsync(Of("engine:1"));
        _docker.CreatedNow = true;
        BuildKitContainer made = await ApplyAsync(Of("engine:2"), async (_, _) =>
            await FailsAsync(BuildKitContainerProblem.Different, () => ApplyAsync(new BuildKitContainerRequest { Name = "box" })));
        Assert.Equal(made.Digest, (await _containers.GetAsync("box", Token)).Digest);
    }

    [Theory]
    [InlineData(false, "image engine:1\nimage engine:2")]
    [InlineData(true, "volume box-cache\nimage engine:1\nimage engine:2")]
    public async Task A_removal_takes_the_cache_along_or_not(bool keepCache, string left)
    {
        await ApplyAsync(Of("engine:1"));
        await _containers.RemoveAsync("box", keepCache, Token);
        Assert.Equal(left, _docker.State);
    }

    [Theory]
    [InlineData("-v", "none", null)]
    [InlineData("a/b", "none", null)]
    [InlineData("a", "none", null)]
    [InlineData("box?force=1", "none", null)]
    [InlineData("box.previous", "none", null)]
    [InlineData("box", "container:other", null)]
    [InlineData("box", "none", "/etc")]
    [InlineData("box", "none", "../box")]
    public async Task Names_are_checked_before_anything_is_sent(string name, string network, string? volume)
    {
        await FailsAsync(BuildKitContainerProblem.InvalidName, () => ApplyAsync(Of("engine:1") with { Name = name, Network = network, CacheVolume = volume }));
        Assert.Empty(_docker.Requests);
    }

    [Fact]
    public async Task The_docker_command_must_lead_to_the_same_engine()
    {
        await using BuildKitContainers elsewhere = BuildKitContainers.Open(EngineAddress.Parse(_docker.Address), new EngineConnectOptions { GetEnvironmentVariable = static _ => null });
        BuildKitContainerException failure = await Assert.ThrowsAsync<BuildKitContainerException>(() => elsewhere.CheckAsync(Of("engine:1"), false, Token));
        Assert.Equal(BuildKitContainerProblem.Unreachable, failure.Problem);
        Assert.Empty(_docker.Requests);
        BuildKitContainerException containerd = Assert.Throws<BuildKitContainerException>(() => BuildKitContainers.Open(EngineAddress.Parse("ssh://host/run/containerd/containerd.sock")));
        Assert.Equal(BuildKitContainerProblem.Unsupported, containerd.Problem);
    }

    [Fact]
    public async Task An_image_is_pulled_and_removed_again()
    {
        ImageReference image = ImageReference.Parse("registry.local/engine:3");
        await FailsAsync(BuildKitContainerProblem.ImageUnusable, () => ApplyAsync(new BuildKitContainerRequest { Name = "box", Image = image }));
        await _containers.PullAsync(image, Token);
        Assert.Contains("POST /v1.48/images/create?fromImage=registry.local%2Fengine&tag=3", _docker.Requests);
        Assert.True(await _containers.HasImageAsync(image, Token));
        Assert.True(await _containers.RemoveImageAsync(image, Token));
        Assert.False(await _containers.HasImageAsync(image, Token));
    }

    [Fact]
    public void A_log_has_frames()
    {
        byte[] log = [1, 0, 0, 0, 0, 0, 0, 3, .. "one"u8, 2, 0, 0, 0, 0, 0, 0, 200, .. "cut"u8];
        Assert.Equal("onecut", DockerContainers.TextOf(log));
        Assert.Equal("", DockerContainers.TextOf("short"u8));
    }

    private static BuildKitContainerRequest Of(string image) => new() { Name = "box", Image = ImageReference.Parse(image) };

    private static Task Silent(EngineAddress address, CancellationToken token) =>
        Task.FromException(new EngineConnectException(EngineConnectReason.Refused, address, "nothing listens"));

    private static async Task FailsAsync(BuildKitContainerProblem problem, Func<Task> run) =>
        Assert.Equal(problem, (await Assert.ThrowsAsync<BuildKitContainerException>(run)).Problem);

    private BuildKitContainers Open(string address) => BuildKitContainers.Open(EngineAddress.Parse(address), new EngineConnectOptions
    {
        GetEnvironmentVariable = name => name switch { "PATH" => _programs.Path, "DOCKER_HOST" => address.Replace("docker:", "unix:", StringComparison.Ordinal), _ => null },
    });

    private async Task<BuildKitContainer> ApplyAsync(BuildKitContainerRequest request, Func<EngineAddress, CancellationToken, Task>? answers = null)
    {
        BuildKitContainerPlan plan = await _containers.PlanAsync(request, false, Token);
        return await _containers.ApplyAsync(plan, answers ?? (static (_, _) => Task.CompletedTask), Limit, Token);
    }
}
