using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// The state of a running build, accumulated from the messages of <c>Control.Status</c>. Progress views, logs and the result are derived from
/// it. Not thread-safe.
/// </summary>
public sealed class BuildModel
{
    private const int MostWarnings = 10_000;

    private readonly Dictionary<string, BuildStep> _byDigest = new(StringComparer.Ordinal);
    private readonly List<BuildStep> _steps = [];
    private readonly List<BuildWarning> _warnings = [];
    private readonly HashSet<BuildWarning> _told = [];
    private readonly StatusBudget _budget = new();
    private int _oldestTail;

    /// <summary>The steps, in the order in which the daemon reported them.</summary>
    public IReadOnlyList<BuildStep> Steps => _steps;

    /// <summary>The frontend's warnings, each once.</summary>
    public IReadOnlyList<BuildWarning> Warnings => _warnings;

    /// <summary>The number of steps that ended without an error.</summary>
    public int CompletedCount => _steps.Count(static s => s.Completed is not null && s.Error is null);

    /// <summary>The number of steps whose result came from the cache.</summary>
    public int CachedCount => _steps.Count(static s => s.Cached);

    /// <summary>The step that failed itself; null when none did.</summary>
    public BuildStep? FailedStep => _steps.FirstOrDefault(static s => s.Error is not null && !s.IsCancelled)
        ?? _steps.FirstOrDefault(static s => s.Error is not null);

    /// <summary>True to return step output as raw bytes instead of lines.</summary>
    internal bool KeepsPieces { get; init; }

    /// <summary>The step with this vertex digest; null when the daemon has not reported it.</summary>
    public BuildStep? Find(string digest) => _byDigest.GetValueOrDefault(digest);

    /// <summary>Applies a message and returns the resulting events, in order.</summary>
    internal List<BuildEvent> Apply(StatusResponse response)
    {
        List<BuildEvent> events = [];
        List<BuildStep> completed = [];
        foreach (Vertex vertex in response.Vertexes)
        {
            if (StepOf(vertex.Digest) is not { } step)
            {
                continue;
            }

            BuildStepChange change = step.Apply(vertex);
            if (change.HasFlag(BuildStepChange.Started))
            {
                events.Add(new StepStarted(step));
            }

            if (change.HasFlag(BuildStepChange.Completed))
            {
                completed.Add(step);
            }
        }

        foreach (VertexStatus status in response.Statuses)
        {
            if (StepOf(status.Vertex) is { } step && step.Apply(status) is { } part)
            {
                events.Add(new StepProgressed(step, part));
            }
        }

        foreach (VertexLog log in response.Logs)
        {
            if (StepOf(log.Vertex) is not { } step)
            {
                continue;
            }

            DateTimeOffset at = log.Timestamp.ToTime() ?? DateTimeOffset.UnixEpoch;
            if (KeepsPieces)
            {
                events.Add(new StepWrote(step, log.Stream == 2, log.Msg.Memory));
                continue;
            }

            foreach (string line in step.Append(log))
            {
                events.Add(new StepLogged(step, log.Stream == 2, at, line));
            }

            ForgetOldTails(step);
        }

        foreach (VertexWarning warning in response.Warnings)
        {
            if (_warnings.Count < MostWarnings && StepOf(warning.Vertex) is { } step && ToWarning(warning) is var made && _told.Add(made))
            {
                _warnings.Add(made);
                events.Add(new StepWarned(step, made));
            }
        }

        // Last, so that a step's lines precede its end when both are in one message.
        foreach (BuildStep step in completed)
        {
            FlushLines(step, events);
            events.Add(new StepCompleted(step));
        }

        return events;
    }

    /// <summary>Call when Status is requested again: messages may repeat known state, and repetitions change nothing.</summary>
    internal void Resume()
    {
        foreach (BuildStep step in _steps)
        {
            step.Resume();
        }
    }

    /// <summary>Call when the stream has ended: returns the remaining lines without a line end.</summary>
    internal List<BuildEvent> Complete()
    {
        List<BuildEvent> events = [];
        foreach (BuildStep step in _steps)
        {
            FlushLines(step, events);
        }

        return events;
    }

    private static void FlushLines(BuildStep step, List<BuildEvent> events)
    {
        for (int stream = 1; stream <= 2; stream++)
        {
            foreach (string line in step.Flush(stream))
            {
                events.Add(new StepLogged(step, stream == 2, step.Completed ?? DateTimeOffset.UnixEpoch, line));
            }
        }
    }

    private BuildWarning ToWarning(VertexWarning warning) => new(
        Take(warning.Short.ToStringUtf8(), StatusBudget.LongestName),
        _budget.Take(TerminalText.Plain(DetailOf(warning)), StatusBudget.LongestError),
        warning.Url.Length > 0 ? Take(warning.Url, StatusBudget.LongestName) : null,
        warning.Info is { Filename.Length: > 0 } info ? Take(info.Filename, StatusBudget.LongestName) : null,
        warning.Ranges.Count > 0 ? warning.Ranges[0].Start?.Line : null,
        (int)warning.Level);

    private static string DetailOf(VertexWarning warning) =>
        TerminalText.Bounded(string.Join('\n', warning.Detail.Select(static d => d.ToStringUtf8())), StatusBudget.LongestError);

    private string Take(string text, int longest) => _budget.Take(TerminalText.Line(TerminalText.Bounded(text, longest)), longest);

    /// <summary>Drops the log tails of the earliest steps when all tails together are too long.</summary>
    private void ForgetOldTails(BuildStep writing)
    {
        for (int looked = 0; _budget.HasLongTails && looked < _steps.Count; looked++)
        {
            BuildStep oldest = _steps[_oldestTail++ % _steps.Count];
            if (oldest != writing)
            {
                oldest.ForgetTail();
            }
        }
    }

    /// <summary>The step of a digest; null when the build has too many steps or the digest is too long.</summary>
    private BuildStep? StepOf(string digest)
    {
        if (!_byDigest.TryGetValue(digest, out BuildStep? step) && _steps.Count < StatusBudget.MostSteps && digest.Length <= StatusBudget.LongestDigest)
        {
            step = new BuildStep(_steps.Count + 1, digest, _budget);
            _byDigest.Add(digest, step);
            _steps.Add(step);
        }

        return step;
    }
}
