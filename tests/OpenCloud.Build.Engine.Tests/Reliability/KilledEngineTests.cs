using System.Diagnostics;
using Grpc.Core;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>Engines that are killed at points all over a build, and engines that come back.</summary>
public sealed class KilledEngineTests(EngineFixture engines)
{
    private const int Points = 20;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task ADockerEngineKilledAtAnyPoint_IsTold() => KillEverywhereAsync(async () =>
    {
        PrivateEngine own = await EngineFixture.StartPrivateAsync(EngineNames.Docker28);
        return (own.Engine, own.KillAsync, own);
    });

    [Fact]
    public async Task ABuildKitKilledAtAnyPoint_IsTold()
    {
        RunningEngine host = await engines.GetAsync(EngineNames.Containerd2);
        await KillEverywhereAsync(async () =>
        {
            StandaloneBuildKit own = await StandaloneBuildKit.StartAsync(host, containerdWorker: true);
            return (own.Engine, own.KillAsync, own);
        });
    }

    [Fact]
    public async Task AnEngineThatIsRestarted_TakesTheNextBuildOfTheSameClient()
    {
        await using PrivateEngine first = await EngineFixture.StartPrivateAsync(EngineNames.Docker28);
        await using PrivateEngine second = await EngineFixture.StartPrivateAsync(EngineNames.Docker28);
        await using FaultyWay way = new(first.Engine, Fault.None, default);
        await using BuildKitClient client = await BuildKitClient.ConnectAsync(EngineAddress.Parse(way.Address), cancellationToken: Cancellation);
        string marker = Guid.NewGuid().ToString("n");
        using ContextFolder context = await ContextFolder.CreateAsync($"""
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "sh", "-c", "echo begun {marker}; /bin/busybox sleep 300"]
            """);
        (BuildRun run, Task seen) = BuildRun.WatchFor("begun " + marker);
        Task<ImageBuildResult> build = client.BuildAsync(new() { ContextPath = context.Path }, run, Cancellation);
        await Task.WhenAny(seen, build);
        await first.KillAsync();
        ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(() => build.WaitAsync(Bound, Cancellation));
        Assert.Equal(BuildFailureKind.EngineLost, failure.Kind);

        way.LeadTo(second.Engine);
        context.Write("Dockerfile", "FROM scratch\nCOPY busybox /busybox\n");
        await client.BuildAsync(new() { ContextPath = context.Path }, null, Cancellation).WaitAsync(Bound, Cancellation);
    }

    private static async Task KillEverywhereAsync(Func<Task<(RunningEngine Engine, Func<Task> Kill, IAsyncDisposable Own)>> start)
    {
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "true"]
            """);
        List<(int Connection, int Frame)> points = [];
        for (int i = 0; i <= Points; i++)
        {
            (RunningEngine engine, Func<Task> kill, IAsyncDisposable own) = await start();
            await using (own)
            {
                // The first run counts the frames that come from the engine.
                bool isCount = i == 0;
                (int connection, int frame) = isCount ? default : points[(i - 1) * points.Count / Points];
                using ContextFolder place = new();
                string archive = place.At("out.tar");
                await using FaultyWay way = new(engine, isCount ? Fault.None : Fault.Act, (connection, true, frame), kill);
                Stopwatch clock = Stopwatch.StartNew();
                string end = await BuildAsync(way, context, archive);
                Assert.True(File.Exists(archive) == (end == "a result"), $"{connection}:{frame}: {end}");
                Assert.True(end == "a result" || Directory.GetFileSystemEntries(place.Path).Length == 0, $"{connection}:{frame}: {end}");
                TestContext.Current.TestOutputHelper?.WriteLine($"killed before frame {frame} of connection {connection}: {end} after {clock.ElapsedMilliseconds} ms");
                if (isCount)
                {
                    points = [.. way.Frames.SelectMany(static (f, c) => Enumerable.Range(0, f.FromEngine).Select(n => (c, n)))];
                    Assert.True(points.Count >= Points, $"{points.Count} frames");
                }
            }
        }
    }

    private static async Task<string> BuildAsync(FaultyWay way, ContextFolder context, string archive)
    {
        try
        {
            await using BuildKitClient client = await BuildKitClient.ConnectAsync(
                EngineAddress.Parse(way.Address), new EngineConnectOptions { ConnectTimeout = TimeSpan.FromSeconds(5) }, Cancellation).WaitAsync(Bound, Cancellation);
            ImageBuildRequest request = new() { ContextPath = context.Path, Outputs = [new BuildOutput { Type = BuildOutput.Docker, Destination = archive }] };
            await client.BuildAsync(request, null, Cancellation).WaitAsync(Bound, Cancellation);
            return "a result";
        }
        catch (ImageBuildException e)
        {
            Assert.True(e.Kind == BuildFailureKind.EngineLost, $"{e.Kind}: {e.Message}");
            return e.Kind.ToString();
        }
        catch (Exception e) when (e is EngineConnectException or RpcException)
        {
            return "no connection";
        }
    }
}
