using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Tests.Engines;
using OpenCloud.Build.Client.Tests.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Containers;

/// <summary>Engines as containers on a Docker Engine that does not answer, and after steps that failed.</summary>
public sealed class ContainerFaultsTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(300);

    private readonly FakeDocker _docker = new();
    private readonly ProgramFolder _programs = new();
    private readonly List<string> _warnings = [];
    private readonly BuildKitContainers _containers;

    public ContainerFaultsTests()
    {
        _programs.Add("docker", "exit 1");
        _docker.AddImage("engine:1");
        _docker.AddImage("engine:2");
        _containers = BuildKitContainers.Open(EngineAddress.Parse(_docker.Address), Options);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private EngineConnectOptions Options => new()
    {
        GetEnvironmentVariable = name => name switch
        {
            "PATH" => _programs.Path,
            "DOCKER_HOST" => _docker.Address.Replace("docker:", "unix:", StringComparison.Ordinal),
            "XDG_CONFIG_HOME" => _programs.Path,
            _ => null,
        },
        OnWarning = _warnings.Add,
    };

    public async ValueTask DisposeAsync()
    {
        await _containers.DisposeAsync();
        await _docker.DisposeAsync();
        _programs.Dispose();
    }

    [Fact]
    public async Task A_docker_engine_that_says_nothing_is_given_up()
    {
        await using RawServer silent = new(static (_, token) => Task.Delay(Timeout.Infinite, token));
        await using BuildKitContainers containers = BuildKitContainers.Open(EngineAddress.Parse("docker://" + silent.Path), Options with { ConnectTimeout = Limit });
        EngineConnectException failure = await Assert.ThrowsAsync<EngineConnectException>(() => containers.ListAsync(Token));
        Assert.Equal(EngineConnectReason.Timeout, failure.Reason);
        Assert.Contains($"{silent.Path} accepted the connection, but did not answer", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_docker_engine_that_stops_answering_is_given_up()
    {
        _docker.Unanswered = "/networks/";
        await using DockerEngineClient client = new(EngineAddress.Parse(_docker.Address), Options) { AnswerLimit = Limit };
        EngineConnectException failure = await Assert.ThrowsAsync<EngineConnectException>(() => client.GetAsync("/networks/none", Token));
        Assert.Equal(EngineConnectReason.Timeout, failure.Reason);
        Assert.Null(await client.GetAsync("/volumes/none", Token));
    }

    [Theory]
    [InlineData("POST", "/containers/create", "the request POST /containers/create within 0.3 s.")]
    [InlineData("POST", "/containers/x/stop?t=10", "the request POST /containers/x/stop within 0.3 s.")]
    [InlineData("DELETE", "/volumes/x", "the request DELETE /volumes/x within 0.4 s.")]
    [InlineData("LOG", "/containers/x/logs", "a request within 0.3 s.")]
    [InlineData("LIST", "/containers/json", "a request within 0.3 s.")]
    public async Task No_request_for_a_container_waits_without_an_end(string method, string path, string said)
    {
        _docker.Unanswered = path;
        await using DockerEngineClient client = new(EngineAddress.Parse(_docker.Address), Options) { AnswerLimit = Limit, RemovalLimit = TimeSpan.FromMilliseconds(400) };
        EngineConnectException failure = await Assert.ThrowsAsync<EngineConnectException>(() => RunAsync().WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.Equal(EngineConnectReason.Timeout, failure.Reason);
        Assert.Equal($"{_docker.Address} accepted the connection, but did not answer {said}", failure.Message);

        // The connection is not used again, and the others work.
        Assert.Null(await client.GetAsync("/volumes/none", Token));

        async Task RunAsync()
        {
            switch (method)
            {
                case "POST":
                    await client.PostAsync(path, [], Token);
                    break;
                case "DELETE":
                    await client.ChangeAsync(HttpMethod.Delete, path, Token);
                    break;
                case "LOG":
                    await client.ReadStartAsync(path, 1024, Token);
                    break;
                default:
                    await foreach (System.Text.Json.JsonElement _ in client.ListAsync(path, Token))
                    {
                    }

                    break;
            }
        }
    }

    [Fact]
    public async Task A_list_that_stops_in_its_middle_is_given_up()
    {
        await using RawServer half = new(static async (stream, token) =>
        {
            while (await RawServer.ReadHeadAsync(stream, token) is { Length: > 0 } head)
            {
                string body = head.Contains("/version", StringComparison.Ordinal) ? """{"ApiVersion":"1.48","Version":"28.0.0"}""" : head.Contains("/info", StringComparison.Ordinal) ? "{}" : "[{},";
                int length = body.Length + (body[0] == '[' ? 10 : 0);
                await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"), token);
            }
        });
        await using DockerEngineClient client = new(EngineAddress.Parse("docker://" + half.Path), Options) { AnswerLimit = Limit };
        EngineConnectException failure = await Assert.ThrowsAsync<EngineConnectException>(async () =>
        {
            await foreach (System.Text.Json.JsonElement _ in client.ListAsync("/containers/json", Token))
            {
            }
        });
        Assert.Equal(EngineConnectReason.Timeout, failure.Reason);
        Assert.Contains("did not answer the whole of a request within 0.3 s", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_wait_for_an_engine_ends_though_the_docker_engine_does_not_answer()
    {
        string before = _docker.State;
        BuildKitContainerException failure = await Assert.ThrowsAsync<BuildKitContainerException>(() => ApplyAsync(Of("engine:1"), (address, _) =>
        {
            _docker.Unanswered = $"/containers/{_docker.Container("box")["Id"]}/json";
            return Silent(address);
        }));
        Assert.Equal(BuildKitContainerProblem.NotReady, failure.Problem);
        Assert.Contains("nothing listens", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, _docker.State);
    }

    [Fact]
    public async Task A_container_that_is_not_changed_must_answer_too()
    {
        await ApplyAsync(Of("engine:1"));
        string before = _docker.State;
        _docker.Restarts = 3;
        await FailsAsync(BuildKitContainerProblem.NotReady, () => ApplyAsync(Of("engine:1"), (address, _) => Silent(address)));
        Assert.Equal(before, _docker.State);
    }

    [Fact]
    public async Task A_registered_name_means_its_first_node()
    {
        new NamedEngineStore(Options.GetEnvironmentVariable).Add(new BuildKitEngine { Name = "team", Nodes = [new() { Address = _docker.Address }, new() { Address = "unix:///b" }] }, cancellationToken: Token);
        await using BuildKitContainers containers = BuildKitContainers.Open(EngineAddress.ForName("team"), Options);
        Assert.Equal(_docker.Address, containers.Store);
        Assert.Empty(await containers.ListAsync(Token));
        EngineConnectException failure = Assert.Throws<EngineConnectException>(() => BuildKitContainers.Open(EngineAddress.ForName("nobody"), Options));
        Assert.Equal(EngineConnectReason.NotRegistered, failure.Reason);
    }

    [Fact]
    public async Task An_update_whose_last_step_failed_is_completed_by_the_next_run()
    {
        await ApplyAsync(Of("engine:1"));

        // After the stop, the name of the previous container, the creation, the start and the mark.
        BuildKitContainerPlan plan = await _containers.PlanAsync(Of("engine:2"), true, Token);
        _docker.Count(failing: 6);
        BuildKitContainer made = await _containers.ApplyAsync(plan, static (_, _) => Task.CompletedTask, Limit, Token);
        Assert.Equal(BuildKitContainerChange.Updated, made.Change);
        Assert.Contains("container /box.replaced", _docker.State, StringComparison.Ordinal);
        Assert.Contains("out of order", Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.Equal([(made.Name, made.Id)], (await _containers.ListAsync(Token)).Select(static c => (c.Name, c.Id)));

        BuildKitContainer again = await ApplyAsync(Of("engine:2"));
        Assert.Equal((BuildKitContainerChange.None, made.Id), (again.Change, again.Id));
        Assert.DoesNotContain("replaced", _docker.State, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_removal_also_takes_what_an_update_left()
    {
        await ApplyAsync(Of("engine:1"));
        BuildKitContainerPlan plan = await _containers.PlanAsync(Of("engine:2"), true, Token);
        _docker.Count(failing: 6);
        await _containers.ApplyAsync(plan, static (_, _) => Task.CompletedTask, Limit, Token);
        await _containers.RemoveAsync("box", false, Token);
        Assert.Equal("image engine:1\nimage engine:2", _docker.State);
    }

    [Fact]
    public async Task An_engine_is_listed_once_under_its_own_name()
    {
        BuildKitContainer made = await ApplyAsync(Of("engine:1"));
        await RenameAsync(made.Id, "box.previous");
        BuildKitContainer listed = Assert.Single(await _containers.ListAsync(Token));
        Assert.Equal(("box", "docker-container://box", made.Id), (listed.Name, listed.Address, listed.Id));
        Assert.Equal(listed, await _containers.GetAsync("box", Token));
        await _containers.RemoveAsync(listed.Name, true, Token);
        Assert.Empty(await _containers.ListAsync(Token));
    }

    [Fact]
    public async Task A_cache_that_a_removal_left_is_removed_by_the_next()
    {
        await ApplyAsync(Of("engine:1"));
        await _containers.RemoveAsync("box", true, Token);
        Assert.Equal("box-cache", await _containers.FindCacheAsync("box", Token));
        await FailsAsync(BuildKitContainerProblem.NotFound, () => _containers.RemoveAsync("box", true, Token));
        await _containers.RemoveAsync("box", false, Token);
        Assert.Equal("image engine:1\nimage engine:2", _docker.State);

        // One of the user has no labels.
        _docker.AddVolume("box-cache");
        Assert.Null(await _containers.FindCacheAsync("box", Token));
        await FailsAsync(BuildKitContainerProblem.NotFound, () => _containers.RemoveAsync("box", false, Token));
    }

    [Fact]
    public async Task The_volume_of_another_engine_is_refused()
    {
        await ApplyAsync(Of("engine:1"));
        string before = _docker.State;
        await FailsAsync(BuildKitContainerProblem.Foreign, () => ApplyAsync(Of("engine:1") with { Name = "other", CacheVolume = "box-cache" }));
        Assert.Equal(before, _docker.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_undone_pull_gives_the_name_back(bool exists)
    {
        ImageReference image = ImageReference.Parse("registry.local/engine:3");
        if (exists)
        {
            _docker.AddImage("registry.local/engine:3");
        }

        string before = _docker.State;
        string? id = await _containers.GetImageIdAsync(image, Token);
        await _containers.PullAsync(image, Token);
        Assert.NotEqual(id, await _containers.GetImageIdAsync(image, Token));
        await _containers.UndoPullAsync(image, id, Token);
        Assert.Equal(id, await _containers.GetImageIdAsync(image, Token));
        Assert.Equal(before, _docker.State);
        if (exists)
        {
            // One with a name stays; the one that a pull replaced goes.
            Assert.False(await _containers.RemoveUntaggedImageAsync(id!, Token));
            await _containers.PullAsync(image, Token);
            Assert.True(await _containers.RemoveUntaggedImageAsync(id!, Token));
            Assert.Equal(before, _docker.State);
        }
    }

    [Fact]
    public async Task An_absent_image_is_planned_and_not_applied()
    {
        await FailsAsync(BuildKitContainerProblem.ImageUnusable, () => _containers.PlanAsync(Of("engine:9"), false, Token));
        BuildKitContainerPlan plan = await _containers.PlanAsync(Of("engine:9") with { AllowsMissingImage = true }, false, Token);
        Assert.Equal("Create a container with an engine: the image engine:9, network none, cache volume box-cache, privileged", plan.Description);
        await Assert.ThrowsAsync<ArgumentException>(() => _containers.ApplyAsync(plan, static (_, _) => Task.CompletedTask, Limit, Token));
        Assert.DoesNotContain(_docker.Requests, static r => r.StartsWith("POST", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_creation_that_differs_is_refused_before_a_pull()
    {
        await ApplyAsync(Of("engine:1"));
        foreach (BuildKitContainerRequest other in new[] { Of("engine:9") with { Network = "bridge" }, Of("engine:9") with { IsRootless = true }, Of("engine:9") with { CacheVolume = "other" } })
        {
            await FailsAsync(BuildKitContainerProblem.Different, () => _containers.CheckAsync(other, false, Token));
            await _containers.CheckAsync(other, true, Token);
        }

        await _containers.CheckAsync(Of("engine:9"), false, Token);
        _docker.Container("box")["Config"]!["Labels"]!["opencloud.build.image.loaded-as"] = "localhost/opencloud-build/buildkit:1";
        await FailsAsync(BuildKitContainerProblem.Different, () => _containers.CheckAsync(Of("engine:9"), false, Token));
        await _containers.CheckAsync(Of("engine:2"), false, Token);
    }

    private static BuildKitContainerRequest Of(string image) => new() { Name = "box", Image = ImageReference.Parse(image) };

    private static Task Silent(EngineAddress address) =>
        Task.FromException(new EngineConnectException(EngineConnectReason.Refused, address, "nothing listens"));

    private static async Task FailsAsync(BuildKitContainerProblem problem, Func<Task> run) =>
        Assert.Equal(problem, (await Assert.ThrowsAsync<BuildKitContainerException>(run)).Problem);

    private async Task RenameAsync(string id, string name)
    {
        await using DockerEngineClient client = new(EngineAddress.Parse(_docker.Address), Options);
        await new DockerContainers(client).RenameAsync(id, name, Token);
    }

    private async Task<BuildKitContainer> ApplyAsync(BuildKitContainerRequest request, Func<EngineAddress, CancellationToken, Task>? answers = null)
    {
        BuildKitContainerPlan plan = await _containers.PlanAsync(request, false, Token);
        return await _containers.ApplyAsync(plan, answers ?? (static (_, _) => Task.CompletedTask), Limit, Token);
    }
}
