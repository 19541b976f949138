using System.Diagnostics;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

internal sealed class EngineImageBuilder : IEngineBuilder
{
    private readonly EnginePool _engines = new();
    private readonly Dictionary<string, BuildLogFile> _logs = new(StringComparer.Ordinal);
    private readonly Dictionary<IReadOnlyDictionary<string, ImageBuildRequest>, ImageBuildSet> _sets = new(ReferenceEqualityComparer.Instance);

    public async Task<ImageBuildResult> BuildAsync(CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        BuildLogFile? log = build.LogPath is { } path ? LogFor(path) : null;
        BuildKitClient client = await _engines.GetAsync(build.Address, build.Connect, poster, cancellationToken).ConfigureAwait(false);
        if (!client.KeepsImages && build.Request.Tags.Count > 0 && StaysInTheEngine(build.Request))
        {
            poster.Warning($"The engine {client.Address} has no image store: the image '{build.Name}' is built, but kept only in the build cache.");
        }

        long begun = Stopwatch.GetTimestamp();
        try
        {
            BuildReporter reporter = new(build, poster, log, cancellationToken);
            ImageBuildResult result = build is { Set: { } set, Target: { } target }
                ? await SetOf(client, set, cancellationToken).BuildAsync(target, reporter, cancellationToken).ConfigureAwait(false)
                : await client.BuildAsync(build.Request, reporter, cancellationToken).ConfigureAwait(false);
            log?.End(result);
            BuildEnd.Report(build, result, poster);
            ResultFiles.Write(build, result, cancellationToken);
            return result;
        }
        catch (ImageBuildException exception)
        {
            log?.Write([$"# failed: {exception.Message}"]);
            BuildEnd.Report(build, exception, Stopwatch.GetElapsedTime(begun), poster);
            throw BuildErrors.From(exception, build);
        }
        catch (EngineConnectException exception)
        {
            log?.Write([$"# failed: {exception.Message}"]);
            throw EngineErrors.From(exception);
        }
        catch (Exception exception) when (BuildErrors.IsOfInput(exception))
        {
            // An input was there for the check, and is no longer.
            log?.Write([$"# failed: {exception.Message}"]);
            throw BuildErrors.OfInput(exception, build);
        }
    }

    public async Task<(bool IsOfFirstPlace, IReadOnlyList<string> Platforms)> ConnectAsync(EngineAddress? address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        BuildKitClient client = await _engines.GetAsync(address, options, poster, cancellationToken).ConfigureAwait(false);
        return (client.PassedOver.All(p => p.Source == client.Source), client.Platforms);
    }

    public async Task<int> CountRunningAsync(EngineAddress address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken limit, CancellationToken cancellationToken)
    {
        BuildKitClient client = await _engines.GetAsync(address, options, poster, cancellationToken).WaitAsync(limit).ConfigureAwait(false);
        return (await client.History.ListAsync(null, true, limit).ConfigureAwait(false)).Count;
    }

    public async ValueTask LeaveAsync(IReadOnlyDictionary<string, ImageBuildRequest> set)
    {
        ImageBuildSet? left;
        lock (_sets)
        {
            _sets.Remove(set, out left);
        }

        if (left is not null)
        {
            await left.DisposeAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask DisconnectAsync()
    {
        foreach (ImageBuildSet set in _sets.Values)
        {
            await set.DisposeAsync().ConfigureAwait(false);
        }

        _sets.Clear();
        _engines.Close();
    }

    public void Dispose()
    {
        // Waits for nothing of the engine: it ends calls.
        DisconnectAsync().AsTask().GetAwaiter().GetResult();
        _engines.Dispose();
        foreach (BuildLogFile log in _logs.Values)
        {
            log.Dispose();
        }
    }

    /// <summary>Whether the only output is an image in the engine's store: nothing is pushed or sent here.</summary>
    private static bool StaysInTheEngine(ImageBuildRequest build) =>
        !build.Push && build.Outputs.All(static o => o.Type == BuildOutput.Image && !(o.Attributes.TryGetValue("push", out string? push) && push == "true"));

    private ImageBuildSet SetOf(BuildKitClient client, IReadOnlyDictionary<string, ImageBuildRequest> requests, CancellationToken cancellationToken)
    {
        lock (_sets)
        {
            if (!_sets.TryGetValue(requests, out ImageBuildSet? set))
            {
                set = client.CreateSet(requests, cancellationToken);
                _sets.Add(requests, set);
            }

            return set;
        }
    }

    private BuildLogFile LogFor(string path)
    {
        lock (_logs)
        {
            if (!_logs.TryGetValue(path, out BuildLogFile? log))
            {
                log = new BuildLogFile(path);
                _logs.Add(path, log);
            }

            return log;
        }
    }
}
