using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>What a build makes of its request, seen in the image.</summary>
[Collection(nameof(KeepsTheCache))]
public sealed class BuildTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task Build_CopiesIntoScratch(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY hello /hello\n");
        context.Write("hello", "hello from a test\n", "640");
        string tag = BuildRun.NewTag("copy");
        using BuiltImage built = new(engine);

        ImageBuildResult result = await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = [tag], Outputs = built.Outputs }, Cancellation);

        Assert.Equal(["docker.io/" + tag], result.References);
        Assert.StartsWith("sha256:", result.Digest, StringComparison.Ordinal);
        Assert.Equal(engine.Address, result.Address);
        Assert.NotEmpty(result.Platforms);
        Assert.Contains(result.Steps, s => s.Name.Contains("COPY hello /hello", StringComparison.Ordinal) && s.Completed is not null);
        TarImage image = await built.ReadAsync(tag, Cancellation);
        TarImageEntry file = image.Files["hello"];
        Assert.Equal(Hash("hello from a test\n"), file.Sha256);
        Assert.Equal("640", file.Octal);
        Assert.Equal((0, 0), (file.Uid, file.Gid));
        Assert.Equal(image.ConfigDigest, result.ConfigDigest);
    }

    [Theory]
    [EngineData]
    public async Task Build_StopsAtTheTarget(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch AS build
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "sh", "-c", "echo made > /made"]
            FROM scratch AS middle
            COPY --from=build /made /middle
            FROM scratch
            COPY --from=build /made /last
            """);
        string middle = BuildRun.NewTag("middle");
        string last = BuildRun.NewTag("last");

        using BuiltImage builtMiddle = new(engine);
        using BuiltImage builtLast = new(engine);

        await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = [middle], Target = "middle", Outputs = builtMiddle.Outputs }, Cancellation);
        await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = [last], Outputs = builtLast.Outputs }, Cancellation);

        TarImage image = await builtMiddle.ReadAsync(middle, Cancellation);
        Assert.Equal(["middle"], image.Files.Keys);
        Assert.Equal(["last"], (await builtLast.ReadAsync(last, Cancellation)).Files.Keys);
        Assert.Equal(Hash("made\n"), image.Files["middle"].Sha256);
    }

    [Theory]
    [EngineData]
    public async Task Build_PassesArgumentsAndLabels(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch
            ARG GREETING=none
            ARG KEPT=default
            ENV GREETING=${GREETING} KEPT=${KEPT}
            LABEL from.dockerfile=yes
            COPY Dockerfile /
            """);
        string first = BuildRun.NewTag("args");
        string second = BuildRun.NewTag("args");
        using BuiltImage built = new(engine);

        ImageBuildResult result = await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                Tags = [first, second],
                BuildArguments = new Dictionary<string, string> { ["GREETING"] = "grüß dich, \"world\" = $1" },
                Labels = new Dictionary<string, string> { ["from.request"] = "a=b, c", ["from.dockerfile"] = "over" },
                Outputs = built.Outputs,
            },
            Cancellation);

        Assert.Equal(["docker.io/" + first, "docker.io/" + second], result.References);
        TarImage image = await built.ReadAsync(second, Cancellation);
        JsonElement config = image.Config.GetProperty("config");
        Assert.Contains("GREETING=grüß dich, \"world\" = $1", config.GetProperty("Env").EnumerateArray().Select(static e => e.GetString()));
        Assert.Contains("KEPT=default", config.GetProperty("Env").EnumerateArray().Select(static e => e.GetString()));
        Assert.Equal("a=b, c", config.GetProperty("Labels").GetProperty("from.request").GetString());
        Assert.Equal("over", config.GetProperty("Labels").GetProperty("from.dockerfile").GetString());
        Assert.Equal(image.ManifestDigest, (await built.ReadAsync(first, Cancellation)).ManifestDigest);
    }

    [Theory]
    [EngineData]
    public async Task Build_AgainComesFromTheCacheUnlessAskedNotTo(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        // Content of its own: an engine merges steps of builds at the same time that are alike, and shows each the other's.
        using ContextFolder context = await ContextFolder.CreateAsync(
            "FROM scratch\nCOPY . /bin/\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox date +%s%N > /when\"]\n");
        context.Write("unlike", Guid.NewGuid().ToString());
        ImageBuildRequest request = new() { ContextPath = context.Path, NeedsDigest = true };

        ImageBuildResult first = await BuildRun.RunAsync(engine, request, Cancellation);
        ImageBuildResult again = await BuildRun.RunAsync(engine, request, Cancellation);
        ImageBuildResult anew = await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, NoCache = true, NeedsDigest = true }, Cancellation);

        Assert.Empty(first.References);
        Assert.Equal(first.Digest, again.Digest);
        Assert.Equal(["[1/2] COPY . /bin/", "[2/2] RUN [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox date +%s%N > /when\"]"], Cached(again));
        Assert.Empty(Cached(anew));
        Assert.NotEqual(first.Digest, anew.Digest);

        static IEnumerable<string> Cached(ImageBuildResult build) =>
            build.Steps.Where(static s => s is { Cached: true, IsInternal: false }).Select(static s => s.Name).Order(StringComparer.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task Build_TakesADockerfileFromAnywhereWithItsOwnIgnoreFile(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder elsewhere = new();
        elsewhere.Write("my build.dockerfile", "FROM scratch\nCOPY . /\n");
        elsewhere.Write("my build.dockerfile.dockerignore", "*.log\n!keep.log\n");
        elsewhere.Write("secret", "must not be asked for");
        using ContextFolder context = new();
        context.Write(".dockerignore", "*\n");
        context.Write("a.txt", "a");
        context.Write("b.log", "b");
        context.Write("keep.log", "keep");
        string tag = BuildRun.NewTag("elsewhere");
        using BuiltImage built = new(engine);

        ImageBuildResult result = await BuildRun.RunAsync(
            engine,
            new() { ContextPath = context.Path, DockerfilePath = elsewhere.At("my build.dockerfile"), Tags = [tag], Outputs = built.Outputs },
            Cancellation);

        Assert.NotNull(result.Digest);
        Assert.Equal([".dockerignore", "a.txt", "keep.log"], (await built.ReadAsync(tag, Cancellation)).Files.Keys);
    }

    [Theory]
    [EngineData]
    public async Task Build_TakesADockerfileAsText(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY no-such-file /\n");
        context.Write(".dockerignore", "hidden\n");
        context.Write("shown", "shown");
        context.Write("hidden", "hidden");
        string[] before = Directory.GetFileSystemEntries(context.Path);
        string tag = BuildRun.NewTag("text");
        using BuiltImage built = new(engine);

        await BuildRun.RunAsync(
            engine,
            new() { ContextPath = context.Path, DockerfileText = "FROM scratch\nCOPY . /\n", Tags = [tag], Outputs = built.Outputs },
            Cancellation);

        Assert.Equal(before, Directory.GetFileSystemEntries(context.Path));
        Assert.Equal([".dockerignore", "Dockerfile", "shown"], (await built.ReadAsync(tag, Cancellation)).Files.Keys);
    }

    [Theory]
    [EngineData]
    public async Task Build_TakesADockerfileInASubfolderAndLowerCase(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("docker/app/dockerfile", "from scratch\ncopy root /\n");
        context.Write("root", "r");
        ImageBuildResult result = await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, DockerfilePath = context.At("docker/app/dockerfile"), NeedsDigest = true }, Cancellation);
        Assert.NotNull(result.Digest);
    }

    [Theory]
    [EngineData]
    public async Task Build_ForAnotherPlatform(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nARG TARGETARCH\nLABEL arch=${TARGETARCH}\nCOPY Dockerfile /\n");
        ImageBuildResult one = await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Platforms = ["linux/arm64"], NeedsDigest = true }, Cancellation);
        Assert.Equal(["linux/arm64"], one.Platforms);
        ImageBuildResult two = await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, Platforms = ["linux/amd64", "linux/arm64"], NeedsDigest = true }, Cancellation);
        Assert.NotNull(two.Digest);
        Assert.NotEqual(one.Digest, two.Digest);
    }

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task Build_TellsTheFrontendsWarnings(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch as one\nCOPY Dockerfile /\n");
        ImageBuildResult result = await BuildRun.RunAsync(engine, new() { ContextPath = context.Path }, Cancellation);
        BuildWarning warning = Assert.Single(result.Warnings);
        Assert.Contains("FromAsCasing", warning.Message, StringComparison.Ordinal);
        Assert.Equal(("Dockerfile", 1), (warning.File, warning.Line));
        Assert.NotNull(warning.Url);
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
