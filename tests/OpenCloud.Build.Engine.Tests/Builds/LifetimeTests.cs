using System.Diagnostics;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Builds that are cancelled, that last long, and whose engine goes away.</summary>
public sealed class LifetimeTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task ACancelledBuild_EndsOnTheDaemonWithinASecond(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        string marker = "ocb" + Guid.NewGuid().ToString("n")[..12];
        using ContextFolder context = await SleeperAsync(marker, 300);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        (BuildRun run, Task seen) = BuildRun.WatchFor("begun " + marker);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<ImageBuildResult> build = client.BuildAsync(new() { ContextPath = context.Path }, run, stop.Token);
        await Task.WhenAny(seen, build);
        Assert.False(build.IsCompleted, build.Exception?.ToString());
        Assert.NotEmpty(ProcessesWith(marker));

        Stopwatch clock = Stopwatch.StartNew();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => build);
        TimeSpan ended = clock.Elapsed;
        while (ProcessesWith(marker).Count > 0 && clock.Elapsed < TimeSpan.FromSeconds(10))
        {
            await Task.Delay(10, Cancellation);
        }

        Assert.InRange(ended, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.Empty(ProcessesWith(marker));
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: call ended after {ended.TotalMilliseconds:0} ms, processes gone after {clock.ElapsedMilliseconds} ms");
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Theory]
    [EngineData]
    public async Task ASession_OutlivesAMinute(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        string marker = Guid.NewGuid().ToString("n");
        using ContextFolder context = await ContextFolder.CreateAsync($"""
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "sh", "-c", "/bin/busybox sleep 65 # {marker}"]
            COPY after /after
            """);
        context.Write("after", marker);
        ImageBuildResult result = await BuildRun.RunAsync(engine, new() { ContextPath = context.Path }, Cancellation);
        Assert.InRange(result.Duration, TimeSpan.FromSeconds(65), TimeSpan.FromSeconds(180));
    }

    [Fact]
    public async Task AnEngineKilledInTheBuild_IsTold()
    {
        await using PrivateEngine own = await EngineFixture.StartPrivateAsync(EngineNames.Docker28);
        string marker = "ocb" + Guid.NewGuid().ToString("n")[..12];
        using ContextFolder context = await SleeperAsync(marker, 300);
        await using BuildKitClient client = await BuildRun.ConnectAsync(own.Engine, Cancellation);
        (BuildRun run, Task seen) = BuildRun.WatchFor("begun " + marker);
        Task<ImageBuildResult> build = client.BuildAsync(new() { ContextPath = context.Path }, run, Cancellation);
        await Task.WhenAny(seen, build);

        await own.KillAsync();
        Stopwatch clock = Stopwatch.StartNew();
        ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(() => build.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
        Assert.Equal(BuildFailureKind.EngineLost, failure.Kind);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task AnEngineThatIsNotThere_IsTold()
    {
        using ContextFolder folder = new();
        EngineConnectException failure = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(
            EngineAddress.Parse("unix://" + folder.At("absent.sock")),
            new EngineConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(300) },
            Cancellation));
        Assert.Equal(EngineConnectReason.NotFound, failure.Reason);
    }

    private static Task<ContextFolder> SleeperAsync(string marker, int seconds) => ContextFolder.CreateAsync($"""
        FROM scratch
        COPY busybox /bin/busybox
        RUN ["/bin/busybox", "sh", "-c", "echo begun {marker}; /bin/busybox sleep {seconds}; : {marker}"]
        """);

    /// <summary>The processes whose arguments have all texts, separated by zeros: those of a container are seen from outside.</summary>
    internal static List<int> ProcessesWith(params string[] texts)
    {
        List<int> found = [];
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out int id) || id == Environment.ProcessId)
            {
                continue;
            }

            try
            {
                string arguments = File.ReadAllText(Path.Combine(directory, "cmdline"));
                if (texts.All(text => arguments.Contains(text, StringComparison.Ordinal)))
                {
                    found.Add(id);
                }
            }
            catch (IOException)
            {
                // It ended while it was looked at.
            }
        }

        return found;
    }
}
