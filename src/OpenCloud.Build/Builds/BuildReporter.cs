using System.Diagnostics;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>Converts build events to progress, verbose lines, warnings and the log file.</summary>
internal sealed class BuildReporter : IBuildObserver
{
    private static readonly TimeSpan SnapshotInterval = TimeSpan.FromMilliseconds(100);

    private readonly CheckedBuild _build;
    private readonly IPipelinePoster _poster;
    private readonly BuildLogFile? _file;
    private readonly CancellationToken _cancellationToken;
    private readonly BuildLogWriter _log = new(reference: null);
    private readonly List<string> _lines = [];
    private readonly long _started = Stopwatch.GetTimestamp();
    private long _lastSnapshot;
    private TimeSpan? _clockDifference;

    public BuildReporter(CheckedBuild build, IPipelinePoster poster, BuildLogFile? file, CancellationToken cancellationToken)
    {
        _build = build;
        _poster = poster;
        _file = file;
        _cancellationToken = cancellationToken;
        _file?.Begin(build.Name, cancellationToken);
        poster.Progress(new ProgressSnapshot($"Building {build.ShortName}", "Starting"));
    }

    public void OnWarning(BuildWarning warning)
    {
        _poster.Warning(CiHost.Neutral($"{_build.Name}: {warning}"));
        Post(_build.Reporting.Log?.Warn(warning, null));
        _file?.Write([$"# warning: {warning}"], _cancellationToken);
    }

    public void OnResultKnown() => _build.Announce?.Invoke();

    public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events)
    {
        foreach (BuildEvent happened in events)
        {
            if (happened is StepStarted { Step.Started: { } at })
            {
                // Step times use the daemon's clock. The smallest difference seen is the clock offset; the rest is latency.
                TimeSpan difference = DateTimeOffset.UtcNow - at;
                _clockDifference = _clockDifference is { } known && known < difference ? known : difference;
            }

            if (happened is StepWarned warned)
            {
                _poster.Warning(CiHost.Neutral(warned.Warning.ToString()));
                Post(_build.Reporting.Log?.Warn(warned.Warning, CiHost.PathOf(warned.Warning.File, _build.Request)));
            }

            if (_file is not null || _poster.IsVerbose || _build.Reporting.Log is not null)
            {
                Log(happened);
            }
        }

        if (_lines.Count > 0)
        {
            _file?.Write(_lines, _cancellationToken);
            if (_poster.IsVerbose)
            {
                _lines.ForEach(l => _poster.Verbose(CiHost.Neutral(l)));
            }

            _lines.Clear();
        }

        if (_lastSnapshot == 0 || Stopwatch.GetElapsedTime(_lastSnapshot) >= SnapshotInterval)
        {
            _lastSnapshot = Stopwatch.GetTimestamp();
            DateTimeOffset now = DateTimeOffset.UtcNow - (_clockDifference ?? TimeSpan.Zero);
            _poster.Progress(BuildProgress.Of(_build.ShortName, model, Stopwatch.GetElapsedTime(_started), now));
        }
    }

    private void Log(BuildEvent happened)
    {
        IReadOnlyList<BuildLogLine> lines = _log.Read(happened);
        for (int i = 0; i < lines.Count; i++)
        {
            BuildLogLine line = lines[i];
            if (_file is not null || _poster.IsVerbose)
            {
                _lines.Add(line.ToString());
            }

            bool endsStep = happened is StepCompleted && i == lines.Count - 1;
            Post(_build.Reporting.Log?.Write(_build.Reporting.NameOf(_build.ShortName), line, endsStep));
        }
    }

    private void Post(IReadOnlyList<string>? lines)
    {
        foreach (string line in lines ?? [])
        {
            _poster.Information(line, _build.Reporting.IsShown);
        }
    }
}
