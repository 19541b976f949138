using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire.Grpc;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Outputs;

/// <summary>Caches outside of the engine: steps that are not run again though the engine has forgotten them.</summary>
[Collection(nameof(KeepsTheCache))]
public sealed class CacheTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task ALocalCache_SavesSteps(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder place = new();
        await ProveAsync(
            engine, BuildCache.Parse($"type=local,mode=max,dest={place.At("cache")}"), BuildCache.Parse($"type=local,src={place.At("cache")}"), new Dictionary<string, RegistryCredential>(), Cancellation);
        Assert.True(File.Exists(place.At("cache/index.json")));
    }

    [Theory]
    [EngineData]
    public async Task MinMode_KeepsOnlyTheResult(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder place = new();
        using ContextFolder context = await ContextFolder.CreateAsync(TwoStages());
        await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, CacheTo = [BuildCache.Parse($"type=local,dest={place.At("min")}")] }, Cancellation);
        await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, CacheTo = [BuildCache.Parse($"type=local,mode=max,dest={place.At("max")}")] }, Cancellation);
        long Size(string folder) => Directory.GetFiles(place.At(folder), "*", SearchOption.AllDirectories).Sum(static f => new FileInfo(f).Length);
        Assert.True(Size("min") < Size("max"));
    }

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task ALocalCacheThatIsNotThere_IsAWarning(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /\n");
        ImageBuildResult result = await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, CacheFrom = [BuildCache.Parse($"type=local,src={context.At("none")}")] }, Cancellation);
        Assert.Contains(result.Warnings, w => w.Message.Contains(context.At("none"), StringComparison.Ordinal));
    }

    [Theory]
    [EngineData]
    public async Task OtherTypes_ArePassedOnAndTheirTokensAreNotRepeated(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /\n");
        const string Token = "not-a-real-token-but-secret";
        (ImageBuildException failure, IReadOnlyList<string> log) = await BuildRun.FailAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                CacheTo = [new() { Type = "s3", Attributes = new Dictionary<string, string> { ["region"] = Token, ["secret_access_key"] = Token, ["endpoint_url"] = "http://127.0.0.1:9/" + Token } }],
            },
            Cancellation);
        Assert.Contains("s3", failure.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Token, failure.ToString() + string.Join('\n', log), StringComparison.Ordinal);
    }

    internal static string OneStage() => $$"""
        FROM scratch
        COPY busybox /bin/busybox
        RUN ["/bin/busybox", "sh", "-c", "echo {{Guid.NewGuid():n}} > /made; /bin/busybox cat /proc/sys/kernel/random/uuid >> /made"]
        """;

    internal static async Task PruneAsync(RunningEngine engine, CancellationToken cancellationToken)
    {
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, cancellationToken);
        await foreach (UsageRecord _ in client.Control.Prune(new PruneRequest { All = true }, cancellationToken: cancellationToken).ReadAllAsync())
        {
        }
    }

    /// <summary>Builds with a cache to write to, has the engine forget, and builds with the cache to read from: the same result comes without a step run.</summary>
    internal static async Task ProveAsync(
        RunningEngine engine, BuildCache to, BuildCache from, IReadOnlyDictionary<string, RegistryCredential> credentials, CancellationToken cancellationToken)
    {
        using ContextFolder context = await ContextFolder.CreateAsync(TwoStages());
        using ContextFolder place = new();
        ImageBuildRequest Request(string output, IReadOnlyList<BuildCache> read, IReadOnlyList<BuildCache> write) => new()
        {
            ContextPath = context.Path,
            Outputs = [BuildOutput.Parse(place.At(output))],
            CacheFrom = read,
            CacheTo = write,
            RegistryCredentials = credentials,
        };

        await BuildRun.RunAsync(engine, Request("first", [], [to]), cancellationToken);
        await PruneAsync(engine, cancellationToken);
        ImageBuildResult again = await BuildRun.RunAsync(engine, Request("again", [from], []), cancellationToken);
        Assert.Equal(File.ReadAllText(place.At("first/made")), File.ReadAllText(place.At("again/made")));
        Assert.Contains(again.Steps, static s => s.Cached && s.Name.Contains("RUN", StringComparison.Ordinal));

        await PruneAsync(engine, cancellationToken);
        await BuildRun.RunAsync(engine, Request("anew", [], []), cancellationToken);
        Assert.NotEqual(File.ReadAllText(place.At("first/made")), File.ReadAllText(place.At("anew/made")));
    }

    private static string TwoStages() => $$"""
        FROM scratch AS make
        COPY busybox /bin/busybox
        RUN ["/bin/busybox", "sh", "-c", "echo {{Guid.NewGuid():n}} > /made; /bin/busybox cat /proc/sys/kernel/random/uuid >> /made; /bin/busybox dd if=/dev/urandom of=/left bs=1024 count=512 2>/dev/null"]
        FROM scratch
        COPY --from=make /made /
        """;
}
