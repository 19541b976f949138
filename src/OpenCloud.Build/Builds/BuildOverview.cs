using System.Globalization;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>Combines the progress of all builds: one bar in total, and one below it for each running build.</summary>
internal sealed class BuildOverview(IPipelinePoster poster, int total)
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

    private sealed class Part(BuildOverview overview, IPipelinePoster poster, CheckedBuild build) : IPipelinePoster
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
