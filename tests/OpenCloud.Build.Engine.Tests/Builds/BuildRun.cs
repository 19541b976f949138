using System.Collections.Concurrent;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Builds with this client on an engine of the fixture, and keeps what was seen on the way.</summary>
internal sealed class BuildRun : IBuildObserver
{
    private readonly BuildLogWriter _writer;

    private BuildRun() => _writer = new BuildLogWriter(Lines.Enqueue);

    /// <summary>The log in the order in which it came.</summary>
    public ConcurrentQueue<string> Lines { get; } = new();

    /// <summary>Is set once a line of the log has this text.</summary>
    public (string Text, TaskCompletionSource Seen)? Watch { get; set; }

    public static async Task<ImageBuildResult> RunAsync(RunningEngine engine, ImageBuildRequest request, CancellationToken cancellationToken)
    {
        await using BuildKitClient client = await ConnectAsync(engine, cancellationToken);
        return await client.BuildAsync(request, new BuildRun(), cancellationToken);
    }

    public static async Task<(ImageBuildException Failure, IReadOnlyList<string> Log)> FailAsync(
        RunningEngine engine, ImageBuildRequest request, CancellationToken cancellationToken)
    {
        await using BuildKitClient client = await ConnectAsync(engine, cancellationToken);
        BuildRun run = new();
        ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(() => client.BuildAsync(request, run, cancellationToken));
        return (failure, [.. run.Lines]);
    }

    public static Task<BuildKitClient> ConnectAsync(RunningEngine engine, CancellationToken cancellationToken)
        => BuildKitClient.ConnectAsync(EngineAddress.Parse(engine.Address), cancellationToken: cancellationToken);

    /// <summary>An observer that tells when a line with the text has come.</summary>
    public static (BuildRun Run, Task Seen) WatchFor(string text)
    {
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return (new BuildRun { Watch = (text, seen) }, seen.Task);
    }

    /// <summary>A tag that no other test uses.</summary>
    public static string NewTag(string name) => $"ocbtest/{name}:{Guid.NewGuid().ToString("n")[..8]}";

    public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events)
    {
        foreach (BuildEvent happened in events)
        {
            _writer.Write(happened);
            if (Watch is { } watch && happened is StepLogged logged && logged.Line.Contains(watch.Text, StringComparison.Ordinal))
            {
                watch.Seen.TrySetResult();
            }
        }
    }
}
