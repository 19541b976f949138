using OpenCloud.Build.Client.BuildKit;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Outputs;

/// <summary>A real registry that asks for a password: what is pushed, pulled and cached with it.</summary>
public sealed class RegistryTests(EngineFixture engines)
{
    private static readonly RegistryCredential Credential = new(RegistryServer.UserName, RegistryServer.Password);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task PushedImages_CanBeBuiltFrom(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, Cancellation);
        Dictionary<string, RegistryCredential> credentials = new() { [registry.Host] = Credential };
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nLABEL unique={Guid.NewGuid():n}\n");
        string image = $"{registry.Host}/team/base:1";

        (ImageBuildException refused, _) = await BuildRun.FailAsync(
            engine, new() { ContextPath = context.Path, Tags = [image], Push = true, DockerConfigDirectory = context.Path }, Cancellation);
        Assert.DoesNotContain(RegistryServer.Password, refused.ToString(), StringComparison.Ordinal);
        Assert.False(registry.HasTag("team/base", "1"));

        ImageBuildResult pushed = await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, Tags = [image], Push = true, RegistryCredentials = credentials }, Cancellation);
        Assert.True(registry.HasTag("team/base", "1"));
        Assert.Equal([image], pushed.References);

        // Docker's own configuration, with the credential as docker login writes it.
        using ContextFolder next = new();
        next.Write("Dockerfile", $"ARG BASE=none\nFROM ${{BASE}}\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo {Guid.NewGuid():n} > /mark\"]\n");
        using ContextFolder config = new();
        string both = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{RegistryServer.UserName}:{RegistryServer.Password}"));
        config.Write("config.json", $$"""{"auths":{"{{registry.Host}}":{"auth":"{{both}}"} } }""");
        using ContextFolder place = new();
        await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = next.Path,
                BuildArguments = new Dictionary<string, string> { ["BASE"] = image },
                Pull = true,
                DockerConfigDirectory = config.Path,
                Outputs = [BuildOutput.Parse(place.At("out"))],
            },
            Cancellation);
        Assert.True(File.Exists(place.At("out/bin/busybox")));
        Assert.True(File.Exists(place.At("out/mark")));
    }

    [Theory]
    [EngineData]
    public async Task ARegistryOutput_Pushes(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, Cancellation);
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nLABEL unique={Guid.NewGuid():n}\n");
        await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                Outputs = [BuildOutput.Parse($"type=registry,name={registry.Host}/out/app:2")],
                RegistryCredentials = new Dictionary<string, RegistryCredential> { [registry.Host] = Credential },
            },
            Cancellation);
        Assert.True(registry.HasTag("out/app", "2"));
    }

    [Theory]
    [EngineData]
    public async Task ARegistryCache_SavesSteps(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, Cancellation);
        await CacheTests.ProveAsync(
            engine,
            new() { Type = BuildCache.Registry, Attributes = new Dictionary<string, string> { ["ref"] = $"{registry.Host}/cache/app:1", ["mode"] = "max" } },
            new() { Type = BuildCache.Registry, Attributes = new Dictionary<string, string> { ["ref"] = $"{registry.Host}/cache/app:1" } },
            new Dictionary<string, RegistryCredential> { [registry.Host] = Credential },
            Cancellation);
        Assert.True(registry.HasTag("cache/app", "1"));
    }

    [Theory]
    [EngineData]
    public async Task AnInlineCache_SavesSteps(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, Cancellation);
        string image = $"{registry.Host}/inline/app:1";
        Dictionary<string, RegistryCredential> credentials = new() { [registry.Host] = Credential };
        using ContextFolder context = await ContextFolder.CreateAsync(CacheTests.OneStage());

        await BuildRun.RunAsync(
            engine,
            new() { ContextPath = context.Path, Tags = [image], Push = true, CacheTo = [new() { Type = BuildCache.Inline }], RegistryCredentials = credentials },
            Cancellation);
        await CacheTests.PruneAsync(engine, Cancellation);
        ImageBuildResult again = await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, CacheFrom = [BuildCache.Parse(image)], RegistryCredentials = credentials }, Cancellation);

        Assert.Contains(again.Steps, static s => s.Cached && s.Name.Contains("RUN", StringComparison.Ordinal));
    }
}
