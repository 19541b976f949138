using System.Threading.Channels;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>
/// Runs the builds of a set: each when the results that it uses are known, at most <c>limit</c> at a time. A failure stops only what depends on it.
/// Results come in the order of the definitions, errors at once, and all share one progress view and one metadata file.
/// </summary>
internal sealed class SetBuilds
{
    private readonly IImageBuilder _builder;
    private readonly BuildSetPlan _plan;
    private readonly IPipelinePoster _poster;
    private readonly CheckedBuild?[] _builds;
    private readonly BuildOverview? _overview;
    private readonly ImageBuildResult?[] _results;
    private readonly BuildErrorException?[] _errors;
    private readonly bool[] _hasEnded;
    private readonly Channel<int> _announced = Channel.CreateUnbounded<int>();
    private readonly List<int> _undecided = [];
    private int _next;

    private SetBuilds(IImageBuilder builder, BuildSetPlan plan, IPipelinePoster poster)
    {
        _builder = builder;
        _plan = plan;
        _poster = poster;
        _builds = [.. Enumerable.Range(0, plan.Count).Select(i => plan[i])];
        _overview = plan.Count > 1 ? new(poster, _builds.Count(static b => b is not null)) : null;
        _results = new ImageBuildResult?[plan.Count];
        _errors = new BuildErrorException?[plan.Count];
        _hasEnded = [.. _builds.Select(static b => b is null)];
    }

    public static Task RunAsync(IImageBuilder builder, BuildSetPlan plan, int limit, IPipelinePoster poster, CancellationToken cancellationToken) =>
        new SetBuilds(builder, plan, poster).RunAsync(limit, cancellationToken);

    private async Task RunAsync(int limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task<int>> running = [];
        Task<bool> news = _announced.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
        try
        {
            while (true)
            {
                while (_plan.Graph.RunningCount < limit && _plan.Graph.TryStart() is { } node)
                {
                    running.Add(BuildAsync(node, stop.Token));
                }

                if (running.Count == 0)
                {
                    break;
                }

                if (await Task.WhenAny([news, .. running]).ConfigureAwait(false) is Task<int> first)
                {
                    running.Remove(first);
                    _undecided.Add(await first.ConfigureAwait(false));
                    Decide();
                    continue;
                }

                while (_announced.Reader.TryRead(out int known))
                {
                    _plan.Graph.Announce(known);
                }

                news = _announced.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(running)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            WriteMetadata(cancellationToken);
        }
    }

    private async Task<int> BuildAsync(int node, CancellationToken cancellationToken)
    {
        CheckedBuild build = _builds[node]!;
        CheckedBuild sent = build with { MetadataPath = null, Announce = () => _announced.Writer.TryWrite(node) };
        try
        {
            _results[node] = await _builder.BuildAsync(sent, _overview?.For(build) ?? _poster, cancellationToken).ConfigureAwait(false);
        }
        catch (BuildErrorException exception)
        {
            _errors[node] = exception;
        }
        finally
        {
            _overview?.End(build);
        }

        return node;
    }

    // A build can end before those that it uses because of one of them: that one's error comes first.
    private void Decide()
    {
        while (_undecided.FindIndex(n => DependencyOf(_errors[n]) is null || _plan.Graph.DependenciesOf(n).All(d => _hasEnded[d])) is var index && index >= 0)
        {
            int node = _undecided[index];
            _undecided.RemoveAt(index);
            End(node);
        }
    }

    private void End(int node)
    {
        _hasEnded[node] = true;
        if (_errors[node] is { } error)
        {
            Fail(node, error);
        }
        else
        {
            _plan.Graph.Finish(node, isBuilt: true);
        }

        for (; _next < _results.Length && _hasEnded[_next]; _next++)
        {
            if (_results[_next] is { } result)
            {
                _poster.Output(result);
            }
        }
    }

    private void Fail(int node, BuildErrorException error)
    {
        _poster.Error((DependencyOf(error) is { } failed ? BuildSetPlan.NotBuilt(_plan.NameOf(node), failed, "failed") : error).ToRecord());
        foreach ((int other, BuildErrorException stopped) in _plan.Fail(node, "failed"))
        {
            _hasEnded[other] = true;
            _overview?.End(_builds[other]!);
            _poster.Error(stopped.ToRecord());
        }
    }

    private static string? DependencyOf(BuildErrorException? error) => (error?.InnerException as ImageBuildException)?.Dependency;

    private void WriteMetadata(CancellationToken cancellationToken)
    {
        foreach (IGrouping<string, int> file in Enumerable.Range(0, _plan.Count).Where(i => _results[i] is not null && _plan[i]?.MetadataPath is not null).GroupBy(i => _plan[i]!.MetadataPath!))
        {
            try
            {
                ResultFiles.Write(file.Key, file.Select(i => KeyValuePair.Create(_plan.NameOf(i), _results[i]!)), cancellationToken);
            }
            catch (BuildErrorException exception)
            {
                _poster.Error(exception.ToRecord());
            }
        }
    }
}
