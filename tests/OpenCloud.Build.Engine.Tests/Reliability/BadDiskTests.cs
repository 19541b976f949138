using System.Security.Cryptography;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>Every output on a disk that is full, and on one that fails when what was written has to reach it.</summary>
public sealed class BadDiskTests(EngineFixture engines)
{
    private const int Room = 8;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public Task AFullDisk_IsTold(string name) => EachOutputFailsAsync(name, static () => BadDisk.FullAsync(Room));

    [Theory]
    [EngineData]
    public Task ADiskThatFailsLater_IsTold(string name) => EachOutputFailsAsync(name, static () => BadDisk.FailingAsync(Room));

    /// <summary>What <c>-IidFile</c> and <c>-MetadataFile</c> write with: the file is whole or not there, and what was there before stays.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AResultFileOnABadDisk_IsWholeOrNotThere(bool isFull)
    {
        await using BadDisk disk = await (isFull ? BadDisk.FullAsync(Room) : BadDisk.FailingAsync(Room));
        string place = Path.Combine(disk.Path, "metadata.json");
        byte[] content = RandomNumberGenerator.GetBytes(2 * Room << 20);
        IOException failure = Assert.ThrowsAny<IOException>(() => OutputPlace.Of(place).Write(content, Cancellation));
        Assert.True(disk.Stories.Any(s => failure.Message.Contains(s, StringComparison.Ordinal)), failure.Message);
        Assert.False(File.Exists(place));
        if (disk.TakesDeletions)
        {
            Assert.Empty(disk.Leftovers());
        }
    }

    [Fact]
    public async Task ADeviceThatIsFull_IsTold()
    {
        RunningEngine engine = await engines.GetAsync(EngineNames.Docker28);
        using ContextFolder context = Context();
        (ImageBuildException failure, _) = await BuildRun.FailAsync(
            engine, new() { ContextPath = context.Path, Outputs = [new BuildOutput { Type = BuildOutput.Tar, Destination = "/dev/full" }] }, Cancellation);
        Assert.Equal(BuildFailureKind.OutputFailed, failure.Kind);
        Assert.Contains("No space left on device", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFullDiskOfTheEngine_IsTold()
    {
        RunningEngine host = await engines.GetAsync(EngineNames.Containerd2);
        await using StandaloneBuildKit buildkit = await StandaloneBuildKit.StartAsync(host, containerdWorker: false, megabytes: 6 * Room);
        using ContextFolder context = Context();
        context.Write("more", RandomNumberGenerator.GetBytes(6 * Room << 20));
        (ImageBuildException failure, _) = await BuildRun.FailAsync(buildkit.Engine, new() { ContextPath = context.Path, NoCache = true }, Cancellation);
        Assert.True(failure.Kind == BuildFailureKind.EngineDiskFull, $"{failure.Kind}: {failure.Message}");
        Assert.Contains("no space left on device", failure.Message, StringComparison.Ordinal);
    }

    private static ContextFolder Context()
    {
        ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY . /\n");

        // Does not get smaller when it is compressed.
        context.Write("large", RandomNumberGenerator.GetBytes(2 * Room << 20));
        return context;
    }

    private async Task EachOutputFailsAsync(string name, Func<Task<BadDisk>> make)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = Context();
        foreach (string kind in new[] { "oci", "docker", "tar", "local", "layout", "cache" })
        {
            await using BadDisk disk = await make();
            string place = Path.Combine(disk.Path, "out");
            ImageBuildRequest request = kind switch
            {
                "layout" => Output(BuildOutput.Oci, new() { ["tar"] = "false" }),
                "cache" => new() { ContextPath = context.Path, CacheTo = [new BuildCache { Type = BuildCache.Local, Attributes = new Dictionary<string, string> { ["dest"] = place, ["mode"] = "max" } }] },
                _ => Output(kind, []),
            };
            (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, request, Cancellation);
            Assert.True(failure.Kind == BuildFailureKind.OutputFailed, $"{name}, {kind}: {failure.Kind}: {failure.Message}");
            Assert.True(disk.Stories.Any(s => failure.Message.Contains(s, StringComparison.Ordinal)), $"{name}, {kind}: {failure.Message}");

            // An archive or an index is there whole or not at all. What a failing disk holds nobody knows: it takes no deletion either.
            Assert.False(File.Exists(place), $"{kind}: {failure.Message}");
            Assert.False(File.Exists(Path.Combine(place, "index.json")), kind);
            if (disk.TakesDeletions)
            {
                Assert.Empty(disk.Leftovers());
            }

            ImageBuildRequest Output(string type, Dictionary<string, string> attributes) =>
                new() { ContextPath = context.Path, Outputs = [new BuildOutput { Type = type, Destination = place, Attributes = attributes }] };
        }
    }
}
