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
        Assert.Equal(BuildFailureKind.InvalidRequest, stopped.Kind);
        Assert.Contains("'base'", stopped.Message, StringComparison.Ordinal);
        Assert.NotEmpty(other.Steps);
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
