using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Builds that share a context, and that use each other's results.</summary>
[Collection(nameof(KeepsTheCache))]
public sealed class SetTests(EngineFixture engines)
{
    private const string Base = "FROM scratch\nCOPY busybox /bin/busybox\nENV COLOR=green\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo $COLOR > /color\"]\n";
    private const string Uses = "FROM base\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo own=$(/bin/busybox cat /color)-$COLOR > /own\"]\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task AResult_IsTheBaseOfAnother_AndTheSharedContextIsSentOnce(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync(Base);
        for (int i = 0; i < 40; i++)
        {
            context.Write($"many/{i}", $"{i} of {Guid.NewGuid()}");
        }

        string tag = BuildRun.NewTag("set-app");
        using BuiltImage built = new(engine);
        Dictionary<string, ImageBuildRequest> requests = new(StringComparer.Ordinal)
        {
            ["base"] = new() { ContextPath = context.Path, DockerfileText = Base + "COPY many /many\n" },
            ["app"] = new() { ContextPath = context.Path, DockerfileText = Uses + "COPY many /again\n", Tags = [tag], Outputs = built.Outputs, NamedContexts = new Dictionary<string, string> { ["base"] = "target:base" } },
            ["other"] = new() { ContextPath = context.Path, DockerfileText = Base + "COPY many /many\n", BuildArguments = new Dictionary<string, string> { ["X"] = "1" } },
        };
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        List<ImageBuildResult> results = [];
        await using (ImageBuildSet set = client.CreateSet(requests, Cancellation))
        {
            foreach (string target in requests.Keys)
            {
                results.Add(await set.BuildAsync(target, null, Cancellation));

                // A context that is listed again would have these files, too.
                context.Write($"many/after-{target}", "x");
            }
        }

        // The files of base: 40, busybox and the Dockerfile.
        Assert.InRange(results[0].FilesSent, 42, 44);
        // other has the Dockerfile of base. The Dockerfile of app uses another part of the context, as it is by then.
        Assert.InRange(results[1].FilesSent, 41, 43);
        // BuildKit before 0.16 has no attribute local-sessionid: it lists the files again, and gets those that are new.
        Assert.InRange(results[2].FilesSent, 0, name == EngineNames.Docker26 ? 3 : 1);
        if (name != EngineNames.Docker26)
        {
            Assert.Equal(results[0].Steps.Where(IsCopy).Select(static s => s.Digest), results[2].Steps.Where(IsCopy).Select(static s => s.Digest));
        }

        TarImage image = await built.ReadAsync(tag, Cancellation);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("own=green-green\n"u8)), image.Files["own"].Sha256);
    }

    private static bool IsCopy(BuildStep step) => step.Name.Contains("COPY", StringComparison.Ordinal);

    [Theory]
    [EngineData]
    public async Task AFailure_IsThatOfTheBuildAlone_AndStopsOnlyWhatUsesIt(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync(Base);
        Dictionary<string, ImageBuildRequest> requests = new(StringComparer.Ordinal)
        {
            ["base"] = new() { ContextPath = context.Path, DockerfileText = Base + "RUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo because; exit 7\"]\n" },
            ["app"] = new() { ContextPath = context.Path, DockerfileText = Uses, NamedContexts = new Dictionary<string, string> { ["base"] = "target:base" } },
            ["other"] = new() { ContextPath = context.Path, DockerfileText = Base },
        };
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        await using ImageBuildSet set = client.CreateSet(requests, Cancellation);

        ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(() => set.BuildAsync("base", null, Cancellation));
        ImageBuildException stopped = await Assert.ThrowsAsync<ImageBuildException>(() => set.BuildAsync("app", null, Cancellation));
        ImageBuildResult other = await set.BuildAsync("other", null, Cancellation);

        Assert.Equal(BuildFailureKind.StepFailed, failure.Kind);
        Assert.Equal(7, failure.ExitCode);
        Assert.Equal(5, failure.Line);
        Assert.Contains("because", failure.LogTail);
        Assert.Equal(BuildFailureKind.DependencyFailed, stopped.Kind);
        Assert.Contains("'base'", stopped.Message, StringComparison.Ordinal);
        Assert.NotEmpty(other.Steps);
    }

    [Theory]
    [EngineData]
    public async Task ABuild_StartsWhileTheStepsOfItsBaseRun_AndEndsWellWhereOnlyTheOutputOfItsBaseFails(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync(Base);
        string slow = Base + "RUN [\"/bin/busybox\", \"sh\", \"-c\", \"sleep 2\"]\n";
        Dictionary<string, ImageBuildRequest> requests = new(StringComparer.Ordinal)
        {
            ["base"] = new() { ContextPath = context.Path, DockerfileText = slow, Tags = ["127.0.0.1:1/ocbtest/base:1"], Push = true },
            ["app"] = new() { ContextPath = context.Path, DockerfileText = Uses, Timeout = TimeSpan.FromMinutes(5), NamedContexts = new Dictionary<string, string> { ["base"] = "target:base" } },
        };
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        await using ImageBuildSet set = client.CreateSet(requests, Cancellation);
        Known known = new();

        Task<ImageBuildResult> based = set.BuildAsync("base", known, Cancellation);
        await known.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        ImageBuildResult app = await set.BuildAsync("app", null, Cancellation);
        ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(() => based);

        Assert.Equal(BuildFailureKind.PushFailed, failure.Kind);
        BuildStep read = Assert.Single(app.Steps, static s => s.Name.Contains("load build definition", StringComparison.Ordinal));
        BuildStep slept = Assert.Single(failure.Steps, static s => s.Name.Contains("sleep", StringComparison.Ordinal));
        Assert.True(read.Completed < slept.Completed, $"{read.Completed:O} {slept.Completed:O}");
        Assert.Contains(app.Steps, static s => s.Name.Contains("own=", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task AFailureOfAStep_StopsABuildThatUsesTheResult_AndHasStarted(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync(Base);
        Dictionary<string, ImageBuildRequest> requests = new(StringComparer.Ordinal)
        {
            ["base"] = new() { ContextPath = context.Path, DockerfileText = Base + "RUN [\"/bin/busybox\", \"sh\", \"-c\", \"sleep 1; exit 7\"]\n" },
            ["app"] = new() { ContextPath = context.Path, DockerfileText = Uses, NamedContexts = new Dictionary<string, string> { ["base"] = "target:base" } },
        };
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        await using ImageBuildSet set = client.CreateSet(requests, Cancellation);
        Known known = new();

        Task<ImageBuildResult> based = set.BuildAsync("base", known, Cancellation);
        await known.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        ImageBuildException stopped = await Assert.ThrowsAsync<ImageBuildException>(() => set.BuildAsync("app", null, Cancellation));
        ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(() => based);

        Assert.Equal(7, failure.ExitCode);
        Assert.Equal(BuildFailureKind.DependencyFailed, stopped.Kind);
    }

    private sealed class Known : IBuildObserver
    {
        private readonly TaskCompletionSource _known = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Task => _known.Task;

        public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events)
        {
        }

        public void OnResultKnown() => _known.TrySetResult();
    }

    [Theory]
    [EngineData]
    public async Task AContextThatIsTheResultOfAnother_NeedsASet(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync(Uses);

        (ImageBuildException failure, _) = await BuildRun.FailAsync(
            engine, new() { ContextPath = context.Path, NamedContexts = new Dictionary<string, string> { ["base"] = "target:base" } }, Cancellation);

        Assert.Equal(BuildFailureKind.InvalidRequest, failure.Kind);
    }
}
