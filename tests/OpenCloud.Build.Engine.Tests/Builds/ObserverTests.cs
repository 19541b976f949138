using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>When and how an observer hears of a build.</summary>
public sealed class ObserverTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task Time_that_passes_is_told_too_by_one_at_a_time_and_never_after_the_end(string name)
    {
        Recorder recorder = new();
        await BuildAsync(name, recorder);
        recorder.End();

        // The step is silent for three seconds.
        Assert.InRange(recorder.Silent, 1, 6);
        Assert.False(recorder.WasTwice);

        // While another build is told of time twice, the first would have been told, too.
        Recorder other = new();
        await BuildAsync(name, other);
        Assert.InRange(other.Silent, 2, 6);
        Assert.False(recorder.WasAfterTheEnd);
    }

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task What_an_observer_throws_comes_out_of_the_build(string name)
    {
        IOException error = await Assert.ThrowsAsync<IOException>(() => BuildAsync(name, new Recorder { OnSilence = static () => throw new IOException("the log's disk is full") }));
        Assert.Equal("the log's disk is full", error.Message);
    }

    private async Task BuildAsync(string name, IBuildObserver observer)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /busybox\nRUN [\"/busybox\", \"sleep\", \"3\"]\n");
        await client.BuildAsync(new() { ContextPath = context.Path, NoCache = true }, observer, Cancellation);
    }

    private sealed class Recorder : IBuildObserver
    {
        private int _inside;
        private int _silent;
        private volatile bool _ended;

        public int Silent => Volatile.Read(ref _silent);

        public bool WasTwice { get; private set; }

        public bool WasAfterTheEnd { get; private set; }

        public Action? OnSilence { get; init; }

        public void End() => _ended = true;

        public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events)
        {
            WasTwice |= Interlocked.Increment(ref _inside) > 1;
            WasAfterTheEnd |= _ended;
            if (events.Count == 0)
            {
                Interlocked.Increment(ref _silent);
                OnSilence?.Invoke();
            }

            Interlocked.Decrement(ref _inside);
        }
    }
}
