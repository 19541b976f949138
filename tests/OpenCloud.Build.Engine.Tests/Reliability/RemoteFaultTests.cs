using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>
/// Three engines, each in a network of its own, and builds on them over TLS, ssh and the exec command of a container engine: one engine is cut off,
/// one is slow, one is killed, and programs that carry a connection are killed. Each build ends in time and says why, the others go on, and nothing is left.
/// </summary>
[Collection(nameof(RunAlone))]
public sealed class RemoteFaultTests(EngineFixture engines)
{
    private const int ClockSpeed = 5;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneCutOffOneSlowOneKilled_EndTheirBuildsOnly()
    {
        RunningEngine cut = await engines.GetAsync(EngineNames.Docker28);
        RunningEngine slow = await engines.GetAsync(EngineNames.Docker26);
        await using PrivateEngine killed = await EngineFixture.StartPrivateAsync(EngineNames.Docker28);
        await using RemoteWays ways = await RemoteWays.StartAsync(cut);
        using ContextFolder context = await SleeperAsync();
        Dictionary<string, ContextFolder> large = RemoteWays.All.ToDictionary(static kind => kind, static _ => LargeFolder(6));

        Stopwatch all = Stopwatch.StartNew();
        OpenThings before = OpenThings.Count();
        await using (FaultyWay cable = new(cut, Fault.None, default))
        await using (FaultyWay modem = new(slow, Fault.Slow, default))
        {
            List<RemoteBuild> toCut = await StartAsync(ways, cable.SocketPath, _ => context, new FastClock(ClockSpeed));
            List<RemoteBuild> toKill = await StartAsync(ways, killed.Engine.DockerSocket!, _ => context);
            List<RemoteBuild> toSever = await StartAsync(ways, cut.DockerSocket!, _ => context);
            await Task.WhenAll(toCut.Concat(toKill).Concat(toSever).Select(static b => b.BegunAsync()));
            List<RemoteBuild> toWait = await StartAsync(ways, modem.SocketPath, kind => large[kind]);
            foreach (string kind in (string[])[RemoteWays.Ssh, RemoteWays.Exec])
            {
                Assert.True(ways.Programs(kind).Count >= 9, $"{kind}: {ways.Programs(kind).Count} programs");
            }

            Say($"begun after {all.Elapsed.TotalSeconds:0.0} s");
            cable.CutOff();
            Stopwatch clock = Stopwatch.StartNew();
            Task killing = killed.KillAsync();
            toSever.ForEach(static b => b.KillTheProgram());
            foreach (RemoteBuild build in toKill.Concat(toSever).Concat(toCut))
            {
                ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(() => build.Result.WaitAsync(Bound, Cancellation));
                Say($"{build.Kind}: {clock.Elapsed.TotalSeconds:0.0} s: {failure.Message}");
                Assert.True(failure.Kind == BuildFailureKind.EngineLost, $"{build.Kind}: {failure.Kind}: {failure.Message}");
                Assert.Equal(toCut.Contains(build), failure.Message.Contains("has not answered 3 pings", StringComparison.Ordinal));
            }

            // Its clock takes a fifth of the 40 s.
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));
            foreach (RemoteBuild build in toWait)
            {
                Assert.True((await build.Result.WaitAsync(Bound, Cancellation)).BytesSent > 6 << 20);
                Say($"{build.Kind}, slow: {clock.Elapsed.TotalSeconds:0.0} s");
            }

            await killing;
            foreach (RemoteBuild build in toCut.Concat(toKill).Concat(toSever).Concat(toWait))
            {
                await build.DisposeAsync();
            }

            await NoProgramIsLeftAsync(ways);
        }

        foreach (ContextFolder folder in large.Values)
        {
            folder.Dispose();
        }

        await before.AreAllAsync(Cancellation);
    }

    [Fact]
    public async Task ACancelledBuild_EndsWithinASecondWithItsProgram()
    {
        RunningEngine engine = await engines.GetAsync(EngineNames.Docker28);
        await using RemoteWays ways = await RemoteWays.StartAsync(engine);
        using ContextFolder steps = await SleeperAsync();
        using ContextFolder large = LargeFolder(64);
        OpenThings before = OpenThings.Count();
        await using (FaultyWay modem = new(engine, Fault.Slow, default))
        {
            foreach (ContextFolder context in (ContextFolder[])[steps, large])
            {
                bool isUpload = context == large;
                List<RemoteBuild> builds = await StartAsync(ways, isUpload ? modem.SocketPath : engine.DockerSocket!, _ => context);
                if (isUpload)
                {
                    // Only a sender opens the file.
                    while (OpenReadersOf(large.At("data")) < builds.Count)
                    {
                        Assert.False(builds.Exists(static b => b.Result.IsCompleted));
                        await Task.Delay(20, Cancellation);
                    }
                }
                else
                {
                    await Task.WhenAll(builds.Select(static b => b.BegunAsync()));
                }

                foreach (RemoteBuild build in builds)
                {
                    Stopwatch clock = Stopwatch.StartNew();
                    await build.CancelAsync();
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() => build.Result.WaitAsync(Bound, Cancellation));
                    Say($"{build.Kind}, {(isUpload ? "upload" : "step")}: {clock.ElapsedMilliseconds} ms");
                    Assert.InRange(clock.Elapsed, TimeSpan.Zero, Second);
                    await build.DisposeAsync();
                }

                await NoProgramIsLeftAsync(ways);
            }
        }

        // The threads of a session wait for the next one; the other test counts them.
        await (before with { Threads = int.MaxValue }).AreAllAsync(Cancellation);
    }

    private static Task<ContextFolder> SleeperAsync() => ContextFolder.CreateAsync("""
        FROM scratch
        ARG MARK
        COPY busybox /bin/busybox
        RUN ["/bin/busybox", "sh", "-c", "echo begun $MARK; /bin/busybox sleep 300"]
        """);

    private static ContextFolder LargeFolder(int mebibytes)
    {
        ContextFolder folder = new();
        folder.Write("Dockerfile", "FROM scratch\nCOPY . /\n");
        folder.Write("data", RandomNumberGenerator.GetBytes(mebibytes << 20));
        return folder;
    }

    private static async Task<List<RemoteBuild>> StartAsync(RemoteWays ways, string socket, Func<string, ContextFolder> context, TimeProvider? clock = null) =>
        [.. await Task.WhenAll(RemoteWays.All.Select(kind => RemoteBuild.StartAsync(ways, kind, socket, context(kind).Path, clock)))];

    // They are killed, not waited for, when their connection is disposed of.
    private static async Task NoProgramIsLeftAsync(RemoteWays ways)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (RemoteWays.All.Sum(kind => ways.Programs(kind).Count) is > 0 and int count)
        {
            Assert.True(clock.Elapsed < 5 * Second, $"{count} programs still run.");
            await Task.Delay(20, Cancellation);
        }
    }

    private static void Say(FormattableString text) => TestContext.Current.TestOutputHelper?.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static int OpenReadersOf(string file) => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(fd => OpenThings.LinkOf(fd) == file);

    /// <summary>A build that runs.</summary>
    private sealed class RemoteBuild : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        private readonly RemoteWay _way;
        private readonly BuildKitClient _client;
        private readonly Task _begun;

        private RemoteBuild(RemoteWay way, BuildKitClient client, string context)
        {
            _way = way;
            _client = client;
            string mark = Guid.NewGuid().ToString("n");
            (BuildRun run, _begun) = BuildRun.WatchFor("begun " + mark);
            ImageBuildRequest request = new() { ContextPath = context, BuildArguments = new Dictionary<string, string> { ["MARK"] = mark }, NoCache = true };
            Result = client.BuildAsync(request, run, _stop.Token);
        }

        public string Kind => _way.Kind;

        public Task<ImageBuildResult> Result { get; }

        public static async Task<RemoteBuild> StartAsync(RemoteWays ways, string kind, string socket, string context, TimeProvider? clock)
        {
            RemoteWay way = await ways.ToAsync(kind, socket, clock);
            return new RemoteBuild(way, await BuildKitClient.ConnectAsync(way.Address, way.Options, Cancellation).WaitAsync(Bound, Cancellation), context);
        }

        /// <summary>Waits until the step runs, or the build has ended.</summary>
        public Task BegunAsync() => Task.WhenAny(_begun, Result).Unwrap().WaitAsync(Bound, Cancellation);

        public Task CancelAsync() => _stop.CancelAsync();

        public void KillTheProgram()
        {
            foreach (int carrier in _way.Carriers())
            {
                using Process process = Process.GetProcessById(carrier);
                process.Kill();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _client.DisposeAsync();
            _stop.Dispose();
        }
    }
}
