using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Outputs;

/// <summary>A real registry that asks for a password: what is pushed, pulled and cached with it.</summary>
[Collection(nameof(KeepsTheCache))]
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

    [Theory]
    [EngineData]
    public async Task PushingBesideOtherOutputs_DoesBoth(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, Cancellation);
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nLABEL unique={Guid.NewGuid():n}\n");
        using ContextFolder place = new();
        ImageBuildRequest Request(string image, params string[] outputs) => new()
        {
            ContextPath = context.Path,
            Tags = [$"{registry.Host}/{image}:1"],
            Push = true,
            Outputs = [.. outputs.Select(BuildOutput.Parse)],
            RegistryCredentials = new Dictionary<string, RegistryCredential> { [registry.Host] = Credential },
        };

        // Files alone: the push comes beside them. With an image named, it is that image which is pushed.
        await BuildRun.RunAsync(engine, Request("both/files", place.At("out")), Cancellation);
        await BuildRun.RunAsync(engine, Request("both/image", "type=image", $"type=oci,dest={place.At("image.tar")}"), Cancellation);

        Assert.True(File.Exists(place.At("out/bin/busybox")));
        Assert.True(File.Exists(place.At("image.tar")));
        Assert.True(registry.HasTag("both/files", "1"));
        Assert.True(registry.HasTag("both/image", "1"));
    }

    [Theory]
    [EngineData]
    public async Task Tokens_AreFetchedByTheClient(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        foreach (bool knowsForms in new[] { true, false })
        {
            using TokenServer tokens = TokenServer.Start(knowsForms);
            await using RegistryServer registry = await RegistryServer.StartAsync(engine, tokens.Realm, tokens, Cancellation);
            Dictionary<string, RegistryCredential> credentials = new() { [registry.Host] = Credential };
            string image = $"{registry.Host}/team/base:1";
            using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nLABEL unique={Guid.NewGuid():n}\n");
            using ContextFolder next = new();
            next.Write("Dockerfile", $"FROM {image}\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo {Guid.NewGuid():n} > /mark\"]\n");
            using ContextFolder place = new();

            await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = [image], Push = true, RegistryCredentials = credentials }, Cancellation);
            Assert.True(registry.HasTag("team/base", "1"));
            await BuildRun.RunAsync(
                engine, new() { ContextPath = next.Path, Pull = true, RegistryCredentials = credentials, Outputs = [BuildOutput.Parse(place.At("out"))] }, Cancellation);
            Assert.True(File.Exists(place.At("out/mark")));
            await CacheTests.ProveAsync(
                engine,
                BuildCache.Parse($"type=registry,ref={registry.Host}/cache/app:1,mode=max"),
                BuildCache.Parse($"type=registry,ref={registry.Host}/cache/app:1"),
                credentials,
                Cancellation);

            // The password went from here to the service, for what was asked only; the registry saw tokens.
            string method = knowsForms ? "POST" : "GET";
            Assert.Contains(tokens.Requests, r => r.Method == method && r.Status == 200 && r.Scope.Contains("repository:team/base:", StringComparison.Ordinal));
            Assert.Contains(tokens.Requests, r => r.Method == method && r.Status == 200 && r.Scope.Contains("repository:cache/app:", StringComparison.Ordinal));
            Assert.Equal(knowsForms ? [200] : [200, 405], tokens.Requests.Select(static r => r.Status).Distinct().Order());
            Assert.DoesNotContain(RegistryServer.Password, registry.Log, StringComparison.Ordinal);
        }
    }

    [Theory]
    [EngineData]
    public async Task Tokens_ArePassedOverWhereTheRealmIsNotSafe(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using TokenServer tokens = TokenServer.Start(knowsForms: true);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, tokens.Realm.Replace("127.0.0.1", "tokens.invalid", StringComparison.Ordinal), tokens, Cancellation);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /bin/busybox\n");

        (ImageBuildException failure, _) = await BuildRun.FailAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                Tags = [$"{registry.Host}/team/base:1"],
                Push = true,
                RegistryCredentials = new Dictionary<string, RegistryCredential> { [registry.Host] = Credential },
            },
            Cancellation);

        Assert.Contains("does not use https", failure.Message, StringComparison.Ordinal);
        Assert.Empty(tokens.Requests);
        Assert.False(registry.HasTag("team/base", "1"));
    }

    [Theory]
    [EngineData]
    public async Task ATokenServiceThatFails_IsNoMatterOfCredentials(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using TokenServer tokens = TokenServer.Start(knowsForms: true, always: 500);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, tokens.Realm, tokens, Cancellation);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /bin/busybox\n");

        (ImageBuildException failure, _) = await BuildRun.FailAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                Tags = [$"{registry.Host}/team/base:1"],
                Push = true,
                RegistryCredentials = new Dictionary<string, RegistryCredential> { [registry.Host] = Credential },
            },
            Cancellation);

        Assert.True(failure.Kind == BuildFailureKind.PushFailed, $"{failure.Kind} {failure.StepName}: {failure.Message}");
        Assert.Contains("failed with 500", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("check the credentials", failure.Message, StringComparison.Ordinal);
        Assert.NotEmpty(tokens.Requests);
    }

    [Theory]
    [EngineData]
    public async Task ATokenServiceBehindAPrivateAuthority_IsTrustedWhereDockersFoldersSaySo(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using TokenServer tokens = TokenServer.Start(knowsForms: true);
        using TlsFront front = TlsFront.Start(new Uri(tokens.Realm).Port);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, $"https://127.0.0.1:{front.Port}/token", tokens, Cancellation);
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nLABEL unique={Guid.NewGuid():n}\n");
        ImageBuildRequest request = new()
        {
            ContextPath = context.Path,
            Tags = [$"{registry.Host}/team/base:1"],
            Push = true,
            RegistryCredentials = new Dictionary<string, RegistryCredential> { [registry.Host] = Credential },
        };

        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, request, Cancellation);
        Assert.Contains($"the certificate of 127.0.0.1:{front.Port} is not trusted;", failure.Message, StringComparison.Ordinal);
        Assert.Empty(tokens.Requests);

        using ContextFolder folders = new();
        folders.Write($"127.0.0.1:{front.Port}/ca.crt", front.AuthorityPem);
        IReadOnlyList<string> usual = RegistryAuthorities.Folders;
        RegistryAuthorities.Folders = [folders.Path];
        try
        {
            await BuildRun.RunAsync(engine, request, Cancellation);
        }
        finally
        {
            RegistryAuthorities.Folders = usual;
        }

        Assert.True(registry.HasTag("team/base", "1"));
    }

    [Theory]
    [EngineData]
    public async Task AHelperThatFailsInAPush_IsHeard(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, Cancellation);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /bin/busybox\n");
        using ContextFolder config = new();
        config.Write("bin/docker-credential-ocbtest", "#!/bin/sh\necho 'the vault is locked' >&2\nexit 1\n", "755");
        config.Write("config.json", $$"""{"credHelpers":{"{{registry.Host}}":"ocbtest"} }""");
        string? path = Environment.GetEnvironmentVariable("PATH");
        Environment.SetEnvironmentVariable("PATH", $"{config.At("bin")}:{path}");
        try
        {
            (ImageBuildException failure, _) = await BuildRun.FailAsync(
                engine,
                new() { ContextPath = context.Path, Tags = [$"{registry.Host}/team/base:1"], Push = true, DockerConfigDirectory = config.Path },
                Cancellation);
            Assert.Equal(BuildFailureKind.CredentialsFailed, failure.Kind);
            Assert.Contains("the vault is locked", failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
        }
    }

    [Theory]
    [EngineData]
    public async Task ARegistryThatTheBuildDoesNotName_IsGivenNoCredentials(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using RegistryServer registry = await RegistryServer.StartAsync(engine, Cancellation);
        Dictionary<string, RegistryCredential> credentials = new() { [registry.Host] = Credential };
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nLABEL unique={Guid.NewGuid():n}\n");
        string image = $"{registry.Host}/team/base:1";
        await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = [image], Push = true, RegistryCredentials = credentials }, Cancellation);

        // What the Dockerfile names is not known here: the engine itself fetches it. Docker's configuration has the password.
        using ContextFolder served = new();
        served.Write("Dockerfile", $"FROM {image}\nLABEL unique={Guid.NewGuid():n}\n");
        using FolderServer server = FolderServer.Start(engine, served.Path);
        using ContextFolder config = new();
        string both = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{RegistryServer.UserName}:{RegistryServer.Password}"));
        config.Write("config.json", $$"""{"auths":{"{{registry.Host}}":{"auth":"{{both}}"} } }""");
        ImageBuildRequest Request(IReadOnlyDictionary<string, RegistryCredential> given) => new()
        {
            ContextPath = $"{server.Address}/Dockerfile",
            Pull = true,
            NoCache = true,
            DockerConfigDirectory = config.Path,
            RegistryCredentials = given,
        };

        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, Request(new Dictionary<string, RegistryCredential>()), Cancellation);
        ImageBuildResult listed = await BuildRun.RunAsync(engine, Request(credentials), Cancellation);

        Assert.Contains(registry.Host, failure.Message, StringComparison.Ordinal);
        Assert.Contains("401", failure.Message + registry.Log, StringComparison.Ordinal);
        Assert.NotEmpty(listed.Steps);
    }
}
