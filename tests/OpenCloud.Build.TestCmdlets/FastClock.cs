using System.Management.Automation;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Nodes;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.TestCmdlets;

/// <summary>Makes the time of Invoke-ImageBuild pass faster, so that a test does not wait as long as a user for an engine that is silent.</summary>
[Cmdlet(VerbsOther.Use, "FastClock")]
public sealed class UseFastClockCommand : PSCmdlet
{
    private static Func<IImageBuilder>? _real;

    [Parameter]
    public int Factor { get; set; } = 8;

    [Parameter]
    public SwitchParameter Restore { get; set; }

    protected override void ProcessRecord()
    {
        _real ??= ImageBuilders.Create;
        FastClock clock = new(Factor);
        ImageBuilders.Create = Restore ? _real : () => new NodeImageBuilder(new FastEngines(new EngineImageBuilder(), clock));
    }

    private sealed class FastEngines(IEngineBuilder inner, TimeProvider clock) : IEngineBuilder
    {
        public Task<ImageBuildResult> BuildAsync(CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken) =>
            inner.BuildAsync(build with { Connect = With(build.Connect) }, poster, cancellationToken);

        public Task<(bool IsOfFirstPlace, IReadOnlyList<string> Platforms)> ConnectAsync(EngineAddress? address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken cancellationToken) =>
            inner.ConnectAsync(address, With(options), poster, cancellationToken);

        public Task<int> CountRunningAsync(EngineAddress address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken limit, CancellationToken cancellationToken) =>
            inner.CountRunningAsync(address, With(options), poster, limit, cancellationToken);

        public ValueTask LeaveAsync(IReadOnlyDictionary<string, ImageBuildRequest> set) => inner.LeaveAsync(set);

        public ValueTask DisconnectAsync() => inner.DisconnectAsync();

        public void Dispose() => inner.Dispose();

        private EngineConnectOptions With(EngineConnectOptions options) => options with { TimeProvider = clock };
    }

    private sealed class FastClock(int factor) : TimeProvider
    {
        private readonly long _begun = System.GetTimestamp();
        private readonly DateTimeOffset _day = System.GetUtcNow();

        public override long GetTimestamp() => _begun + ((System.GetTimestamp() - _begun) * factor);

        public override DateTimeOffset GetUtcNow() => _day + (System.GetUtcNow() - _day) * factor;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new FastTimer(System.CreateTimer(callback, state, Short(dueTime), Short(period)), this);

        private TimeSpan Short(TimeSpan time) => time == Timeout.InfiniteTimeSpan ? time : time / factor;

        private sealed class FastTimer(ITimer timer, FastClock clock) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(clock.Short(dueTime), clock.Short(period));

            public void Dispose() => timer.Dispose();

            public ValueTask DisposeAsync() => timer.DisposeAsync();
        }
    }
}
