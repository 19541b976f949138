using System.Globalization;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>Runs builds concurrently for one pipeline: a failure stops no other build, and all share one progress view.</summary>
internal static class ParallelBuilds
{
    public static Task RunAsync(IImageBuilder builder, IReadOnlyList<CheckedBuild> builds, int limit, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        Overview overview = new(poster, builds.Count);
        ParallelOptions options = new() { MaxDegreeOfParallelism = limit, CancellationToken = cancellationToken };
        return Parallel.ForEachAsync(builds, options, async (build, stop) =>
        {
            try
            {
                ImageBuildResult result = await builder.BuildAsync(build, overview.For(build), stop).ConfigureAwait(false);
                poster.Output(result);
            }
            catch (BuildErrorException exception)
            {
                poster.Error(exception.ToRecord());
            }
            finally
            {
                overview.End(build);
            }
        });
    }

    /// <summary>Combines the progress of all builds: one bar in total, and one below it for each running build.</summary>
    private sealed class Overview(IPipelinePoster poster, int total)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<CheckedBuild, ProgressSnapshot> _running = new(ReferenceEqualityComparer.Instance);
        private int _done;

        public IPipelinePoster For(CheckedBuild build) => new Part(this, poster, build);

        public void End(CheckedBuild build)
        {
            lock (_gate)
            {
                _running.Remove(build);
                _done++;
                Show();
            }
        }

        private void Set(CheckedBuild build, ProgressSnapshot snapshot)
        {
            lock (_gate)
            {
                _running[build] = snapshot;
                Show();
            }
        }

        private void Show() => poster.Progress(new ProgressSnapshot(
            $"Building {total} images",
            string.Create(CultureInfo.InvariantCulture, $"{_done} done, {_running.Count} running"),
            _done * 100 / total,
            [.. _running.Select(static r => new StepProgress(RuntimeHelpers.GetHashCode(r.Key).ToString(CultureInfo.InvariantCulture), r.Value.Activity, r.Value.Status, r.Value.Percent))])
        {
            Parts = [.. _running.Values],
        });

        private sealed class Part(Overview overview, IPipelinePoster poster, CheckedBuild build) : IPipelinePoster
        {
            public bool IsVerbose => poster.IsVerbose;

            public void Output(object value) => poster.Output(value);

            // Lines of several builds are mixed, so each names its build.
            public void Verbose(string text) => poster.Verbose($"{build.Name}: {text}");

            public void Warning(string text) => poster.Warning($"{build.Name}: {text}");

            // The log names the build itself.
            public void Information(string text, bool isShown) => poster.Information(text, isShown);

            public void Error(ErrorRecord error) => poster.Error(error);

            public void Progress(ProgressSnapshot snapshot) => overview.Set(build, snapshot);

            public Task<T> InvokeAsync<T>(Func<T> function) => poster.InvokeAsync(function);
        }
    }
}
