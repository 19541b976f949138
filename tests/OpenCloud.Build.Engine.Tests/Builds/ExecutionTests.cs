using System.Text.RegularExpressions;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>How steps are run: each setting is seen from inside a step.</summary>
[Collection(nameof(KeepsTheCache))]
public sealed class ExecutionTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task HostsLimitsAndSharedMemory_AreTheSteps(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        Assert.True(ResourceLimit.TryParse("nofile=777:888", out ResourceLimit? limit, out _));
        IReadOnlyList<string> log = await RunAsync(
            engine,
            "echo hosts=$(/busybox grep registry.local /etc/hosts | /busybox tr '\\\\t' ' '); echo files=$(ulimit -n)/$(ulimit -Hn); echo shm=$(/busybox df -k /dev/shm | /busybox awk 'END{print $2}')",
            new BuildExecution
            {
                ExtraHosts = [new("registry.local", "10.9.8.7"), new("six.local", "fd00::1")],
                Limits = [limit],
                SharedMemorySize = 48 * 1024 * 1024,
            });

        Assert.Contains(log, static l => l.Contains("hosts=10.9.8.7 registry.local", StringComparison.Ordinal));
        Assert.Contains(log, static l => l.Contains("files=777/888", StringComparison.Ordinal));
        Assert.Contains(log, static l => l.Contains("shm=49152", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData]
    public async Task WithoutANetwork_ThereIsOnlyTheLoopback(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        IReadOnlyList<string> log = await RunAsync(
            engine, "echo devices=$(/busybox ls /sys/class/net | /busybox tr '\\\\n' ' ')", new BuildExecution { Network = BuildNetwork.None });
        Assert.Contains(log, static l => l.EndsWith("devices=lo", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task TheHostsNetwork_IsTheEngines(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        (string program, IReadOnlyList<string> arguments) = EngineScript.Inside(engine, "readlink", "/proc/self/ns/net");
        string own = (await Command.RunAsync(program, arguments, cancellationToken: Cancellation)).Succeeded().Trim();
        const string Show = "echo net=$(/busybox readlink /proc/self/ns/net)";

        IReadOnlyList<string> host = await RunAsync(engine, Show, new BuildExecution { Network = BuildNetwork.Host });
        IReadOnlyList<string> usual = await RunAsync(engine, Show, BuildExecution.Default);

        Assert.Contains(host, l => l.EndsWith("net=" + own, StringComparison.Ordinal));
        Assert.DoesNotContain(usual, l => l.EndsWith("net=" + own, StringComparison.Ordinal));
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task AnEntitlement_IsWhatAStepNeeds(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        (string program, IReadOnlyList<string> arguments) = EngineScript.Inside(engine, "readlink", "/proc/self/ns/net");
        string own = (await Command.RunAsync(program, arguments, cancellationToken: Cancellation)).Succeeded().Trim();
        using ContextFolder context = await ContextFolder.CreateAsync(
            "FROM scratch\nCOPY busybox /\nRUN --network=host [\"/busybox\", \"sh\", \"-c\", \"echo net=$(/busybox readlink /proc/self/ns/net)\"]\n");

        IReadOnlyList<string> log = await ContextKindTests.LogAsync(
            engine, new() { ContextPath = context.Path, NoCache = true, Execution = new BuildExecution { Entitlements = ["network.host"] } });
        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path, NoCache = true }, Cancellation);

        Assert.Contains(log, l => l.EndsWith("net=" + own, StringComparison.Ordinal));
        Assert.Equal(BuildFailureKind.NotAllowed, failure.Kind);
        Assert.Contains("network.host", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task AnEntitlementTheEngineDoesNotGrant_IsTold(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        (ImageBuildException failure, _) = await BuildRun.FailAsync(
            engine,
            new() { ContextPath = "/", DockerfileText = "FROM scratch\nCOPY etc/hostname /\n", Execution = new BuildExecution { Entitlements = ["security.insecure"] } },
            Cancellation);
        Assert.Equal(BuildFailureKind.NotAllowed, failure.Kind);
        Assert.Contains("security.insecure", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task SecurityInsecure_GivesAStepAllOfTheEnginesRights(string name)
    {
        await using PrivateEngine engine = await EngineFixture.StartPrivateAsync(name, insecure: true);
        await ProveInsecureAsync(engine.Engine);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OnAStandaloneBuildKit_EntitlementsAreWhatStepsGet(bool containerdWorker)
    {
        RunningEngine host = await engines.GetAsync(EngineNames.Containerd2);
        await using StandaloneBuildKit granting = await StandaloneBuildKit.StartAsync(host, containerdWorker, ["network.host", "security.insecure"]);
        await ProveInsecureAsync(granting.Engine);
        IReadOnlyList<string> log = await RunAsync(
            granting.Engine, "echo net=$(/busybox readlink /proc/self/ns/net)", new BuildExecution { Network = BuildNetwork.Host, Entitlements = ["network.host"] });
        (string program, IReadOnlyList<string> arguments) = EngineScript.Inside(host, "readlink", "/proc/self/ns/net");
        string own = (await Command.RunAsync(program, arguments, cancellationToken: Cancellation)).Succeeded().Trim();
        Assert.Contains(log, l => l.EndsWith("net=" + own, StringComparison.Ordinal));

        await using StandaloneBuildKit refusing = await StandaloneBuildKit.StartAsync(host, containerdWorker);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /\n");
        foreach (string entitlement in new[] { "network.host", "security.insecure" })
        {
            (ImageBuildException failure, _) = await BuildRun.FailAsync(
                refusing.Engine, new() { ContextPath = context.Path, Execution = new BuildExecution { Entitlements = [entitlement] } }, Cancellation);
            Assert.Equal(BuildFailureKind.NotAllowed, failure.Kind);
            Assert.Contains(entitlement, failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [EngineData]
    public async Task AControlGroupParent_HoldsTheSteps(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        string marker = "ocb" + Guid.NewGuid().ToString("n")[..12];
        using ContextFolder context = await ContextFolder.CreateAsync($"""
            FROM scratch
            COPY busybox /busybox
            RUN ["/busybox", "sh", "-c", "echo begun {marker}; while [ ! -e /stop ] && [ $((i++)) -lt 100 ]; do /busybox sleep 0.1; done; : {marker}"]
            """);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        (BuildRun run, Task seen) = BuildRun.WatchFor("begun " + marker);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<ImageBuildResult> build = client.BuildAsync(
            new() { ContextPath = context.Path, Execution = new BuildExecution { ControlGroupParent = marker } }, run, stop.Token);
        await Task.WhenAny(seen, build);

        string groups = string.Join('\n', LifetimeTests.ProcessesWith(marker).Select(static p => File.ReadAllText($"/proc/{p}/cgroup")));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => build);
        Assert.Contains(marker, groups, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task StagesNamed_AreRunAnew(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch AS kept
            COPY busybox /busybox
            RUN ["/busybox", "touch", "/kept"]
            FROM scratch AS anew
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "touch", "/anew"]
            FROM scratch
            COPY --from=kept /kept /
            COPY --from=anew /anew /
            """);
        await BuildRun.RunAsync(engine, new() { ContextPath = context.Path }, Cancellation);
        ImageBuildResult result = await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, Execution = new BuildExecution { NoCacheStages = ["anew"] } }, Cancellation);

        Assert.True(Assert.Single(result.Steps, static s => s.Name.Contains("touch\", \"/kept", StringComparison.Ordinal) || s.Name.Contains("touch /kept", StringComparison.Ordinal)).Cached);
        Assert.False(Assert.Single(result.Steps, static s => s.Name.Contains("touch\", \"/anew", StringComparison.Ordinal) || s.Name.Contains("touch /anew", StringComparison.Ordinal)).Cached);
    }

    [Theory]
    [EngineData]
    public async Task ASourcePolicy_DeniesAndConverts(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder served = new();
        served.Write("allowed", "from the allowed one");
        await using EngineServer server = await EngineServer.HttpAsync(engine, served.Path);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch
            COPY busybox /busybox
            ADD http://source.invalid/thing /thing
            RUN ["/busybox", "sh", "-c", "echo thing=$(/busybox cat /thing)"]
            """);

        SourcePolicy convert = SourcePolicy.Parse($$"""
            { "rules": [ { "action": "CONVERT", "selector": { "identifier": "http://source.invalid/thing" },
                           "updates": { "identifier": "http://127.0.0.1:{{server.Port}}/allowed" } } ] }
            """);
        IReadOnlyList<string> log = await ContextKindTests.LogAsync(engine, new() { ContextPath = context.Path, NoCache = true, SourcePolicy = convert });
        SourcePolicy deny = SourcePolicy.Parse("""{ "rules": [ { "action": "DENY", "selector": { "identifier": "http://source.invalid/*" } } ] }""");
        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path, NoCache = true, SourcePolicy = deny }, Cancellation);

        Assert.Contains(log, static l => l.Contains("thing=from the allowed one", StringComparison.Ordinal));
        Assert.Equal(BuildFailureKind.NotAllowed, failure.Kind);
        Assert.Contains("policy", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task SixteenAtOnce_AreAllRightAndNoneStarves(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        System.Diagnostics.Stopwatch clock = System.Diagnostics.Stopwatch.StartNew();
        TimeSpan[] ended = await Task.WhenAll(Enumerable.Range(0, 16).Select(async number =>
        {
            using ContextFolder context = await ContextFolder.CreateAsync(
                $"FROM scratch\nCOPY . /\nRUN [\"/busybox\", \"sh\", \"-c\", \"/busybox sleep 0.5; echo number=$(/busybox cat /number)=$(/busybox wc -c < /bulk)\"]\nLABEL number={number}\n");
            context.Write("number", $"{number}");
            context.Write("bulk", new byte[(number + 1) * 100_000]);
            (BuildRun run, _) = BuildRun.WatchFor("\n");
            await client.BuildAsync(new() { ContextPath = context.Path, NoCache = true }, run, Cancellation);
            Assert.Contains(run.Lines, l => l.EndsWith($"number={number}={(number + 1) * 100_000}", StringComparison.Ordinal));
            return clock.Elapsed;
        }));

        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: first ended after {ended.Min().TotalSeconds:0.0} s, last after {ended.Max().TotalSeconds:0.0} s");
        Assert.InRange(ended.Max(), TimeSpan.Zero, TimeSpan.FromMinutes(2));
    }

    private static async Task<IReadOnlyList<string>> RunAsync(RunningEngine engine, string script, BuildExecution execution)
    {
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /busybox\nRUN [\"/busybox\", \"sh\", \"-c\", \"{script}\"]\n");
        return await ContextKindTests.LogAsync(engine, new() { ContextPath = context.Path, NoCache = true, Execution = execution });
    }

    /// <summary>What a step that asks for it may do, beside one that does not, and one that asks while the build does not.</summary>
    private static async Task ProveInsecureAsync(RunningEngine engine)
    {
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch
            COPY busybox /
            RUN ["/busybox", "sh", "-c", "echo usual=$(/busybox awk '/^CapEff/{print $2}' /proc/self/status)"]
            RUN --security=insecure ["/busybox", "sh", "-c", "echo insecure=$(/busybox awk '/^CapEff/{print $2}' /proc/self/status)"]
            """);
        BuildExecution allowed = new() { Entitlements = ["security.insecure"] };
        IReadOnlyList<string> log;
        try
        {
            log = await ContextKindTests.LogAsync(engine, new() { ContextPath = context.Path, NoCache = true, Execution = allowed });
        }
        catch (ImageBuildException e) when (e.Message.Contains("unknown flag", StringComparison.Ordinal))
        {
            // Older frontends have the flag in another edition only. That the engine grants it can be seen even so.
            using ContextFolder plain = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /\n");
            await BuildRun.RunAsync(engine, new() { ContextPath = plain.Path, Execution = allowed }, Cancellation);
            return;
        }

        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path, NoCache = true }, Cancellation);

        // The right to administer the system (CAP_SYS_ADMIN, linux/capability.h).
        static bool Administers(IReadOnlyList<string> log, string name)
        {
            Regex said = new($" {name}=([0-9a-f]{{16}})$");
            return (Convert.ToUInt64(said.Match(log.Single(said.IsMatch)).Groups[1].Value, 16) >> 21 & 1) == 1;
        }

        Assert.False(Administers(log, "usual"));
        Assert.True(Administers(log, "insecure"));
        Assert.Equal(BuildFailureKind.NotAllowed, failure.Kind);
        Assert.Contains("security.insecure", failure.Message, StringComparison.Ordinal);
    }
}
