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

    /// <summary>The daemon splits a message with more output than 1 MiB (moby/buildkit, client/status.go, Marshal); the first part has all vertexes.</summary>
    private const int SplitSize = 1024 * 1024 * 9 / 10;

    private readonly Dictionary<string, BuildStep> _byDigest = new(StringComparer.Ordinal);
    private readonly List<BuildStep> _reported = [];
    private readonly List<BuildStep> _numbered = [];
    private readonly List<BuildWarning> _warnings = [];
    private readonly HashSet<BuildWarning> _told = [];
    private readonly StatusBudget _budget = new();
    private readonly PendingEnds _ends;
    private List<BuildEvent> _later = [];
    private IReadOnlyList<BuildStep>? _steps;
    private DateTimeOffset _latest = DateTimeOffset.UnixEpoch;
    private int _oldestTail;

    internal BuildModel() => _ends = new PendingEnds(_budget);

    /// <summary>The steps in the order of their numbers; those that have not started follow.</summary>
    public IReadOnlyList<BuildStep> Steps => _steps ??= [.. _numbered, .. _reported.Where(static s => s.Number == 0)];

    /// <summary>The frontend's warnings, each once.</summary>
    public IReadOnlyList<BuildWarning> Warnings => _warnings;

    /// <summary>The number of steps that ended without an error.</summary>
    public int CompletedCount => _reported.Count(static s => s.Completed is not null && s.Error is null);

    /// <summary>The number of steps whose result came from the cache.</summary>
    public int CachedCount => _reported.Count(static s => s.Cached);

    /// <summary>The step that failed itself; null when none did.</summary>
    public BuildStep? FailedStep => Steps.FirstOrDefault(static s => s.Error is not null && !s.IsCancelled)
        ?? Steps.FirstOrDefault(static s => s.Error is not null);

    /// <summary>True to return step output as raw bytes instead of lines.</summary>
    internal bool KeepsPieces { get; init; }

    /// <summary>The step with this vertex digest; null when the daemon has not reported it.</summary>
    public BuildStep? Find(string digest) => _byDigest.GetValueOrDefault(digest);

    /// <summary>Applies a message and returns the resulting events, in order.</summary>
    internal List<BuildEvent> Apply(StatusResponse response)
    {
        List<BuildEvent> events = [];
        foreach (Vertex vertex in response.Vertexes)
        {
            Apply(vertex, events);
        }

        foreach (VertexStatus status in response.Statuses)
        {
            if (StepOf(status.Vertex) is { } step && step.Apply(status) is { } part)
            {
                events.Add(new StepProgressed(step, part) { When = Time(part.Completed ?? status.Timestamp.ToTime()) });
            }
        }

        DateTimeOffset? lastLine = null;
        int size = 0;
        foreach (VertexLog log in response.Logs)
        {
            if (StepOf(log.Vertex) is { } step)
            {
                lastLine = Time(log.Timestamp.ToTime());
                size += log.CalculateSize();
                Apply(log, step, lastLine.Value, events);
            }
        }

        foreach (VertexWarning warning in response.Warnings)
        {
            if (_warnings.Count < MostWarnings && StepOf(warning.Vertex) is { } step && ToWarning(warning) is var made && _told.Add(made))
            {
                _warnings.Add(made);
                events.Add(new StepWarned(step, made) { When = step.Completed ?? _latest });
            }
        }

        return Order(events, size >= SplitSize ? lastLine : null);
    }

    /// <summary>Call after a silence: returns the ends of steps that might have run again, but have not.</summary>
    internal List<BuildEvent> Settle() => _later.Count > 0 ? [] : End(_ends.TakeAfterSilence(), []);

    /// <summary>Call when Status is requested again: messages may repeat known state, and repetitions change nothing.</summary>
    internal void Resume()
    {
        foreach (BuildStep step in _reported)
        {
            step.Resume();
        }
    }

    /// <summary>Call when the stream has ended: returns the remaining events, and the remaining lines without a line end.</summary>
    internal List<BuildEvent> Complete()
    {
        List<BuildEvent> events = End(_ends.TakeAll(), _later);
        _later = [];
        foreach (BuildStep step in Steps)
        {
            FlushLines(step, _latest, events);
        }

        return events;
    }

    private static void FlushLines(BuildStep step, DateTimeOffset at, List<BuildEvent> events)
    {
        for (int stream = 1; stream <= 2; stream++)
        {
            foreach (string line in step.Flush(stream))
            {
                events.Add(new StepLogged(step, stream == 2, at, line) { When = at });
            }
        }
    }

    private void Apply(Vertex vertex, List<BuildEvent> events)
    {
        if (StepOf(vertex.Digest) is not { } step)
        {
            return;
        }

        BuildStepChange change = step.Apply(vertex);
        _ends.Note(step, vertex);
        if (change.HasFlag(BuildStepChange.Started))
        {
            events.Add(new StepStarted(step) { When = Time(vertex.Started.ToTime() ?? step.Started) });
        }

        if (change.HasFlag(BuildStepChange.Completed))
        {
            Time(step.Completed);
            _ends.Add(step);
        }
    }

    private void Apply(VertexLog log, BuildStep step, DateTimeOffset at, List<BuildEvent> events)
    {
        if (KeepsPieces)
        {
            events.Add(new StepWrote(step, log.Stream == 2, log.Msg.Memory) { When = at });
            return;
        }

        foreach (string line in step.Append(log))
        {
            events.Add(new StepLogged(step, log.Stream == 2, at, line) { When = at });
        }

        ForgetOldTails(step);
    }

    /// <summary>Numbers the steps that have appeared, and orders the events. After a part of a message only the events until <c>until</c> are due.</summary>
    private List<BuildEvent> Order(List<BuildEvent> events, DateTimeOffset? until)
    {
        Number(events);
        events.InsertRange(0, _later);
        _later = [];
        if (until is { } last)
        {
            _later = events.FindAll(e => e.When > last);
            events.RemoveAll(e => e.When > last);
            return EventOrder.Sort(events);
        }

        return End(_ends.Take(_latest), events);
    }

    private List<BuildEvent> End(List<BuildStep> ended, List<BuildEvent> events)
    {
        foreach (BuildStep step in ended)
        {
            FlushLines(step, step.Completed!.Value, events);
            events.Add(new StepCompleted(step) { When = step.Completed.Value });
        }

        return EventOrder.Sort(events);
    }

    private void Number(List<BuildEvent> events)
    {
        Dictionary<BuildStep, DateTimeOffset> appeared = [];
        foreach (BuildEvent happened in events)
        {
            if (happened.Step.Number == 0 && (!appeared.TryGetValue(happened.Step, out DateTimeOffset known) || happened.When < known))
            {
                appeared[happened.Step] = happened.When;
            }
        }

        foreach (BuildStep step in StepOrder.Sort(appeared, Find))
        {
            _numbered.Add(step);
            step.Number = _numbered.Count;
            _steps = null;
        }
    }

    /// <summary>A time of the daemon's, or the latest known one.</summary>
    private DateTimeOffset Time(DateTimeOffset? reported)
    {
        _latest = reported > _latest ? reported.Value : _latest;
        return reported ?? _latest;
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
        for (int looked = 0; _budget.HasLongTails && looked < _reported.Count; looked++)
        {
            BuildStep oldest = _reported[_oldestTail++ % _reported.Count];
            if (oldest != writing)
            {
                oldest.ForgetTail();
            }
        }
    }

    /// <summary>The step of a digest; null when the build has too many steps or the digest is too long.</summary>
    private BuildStep? StepOf(string digest)
    {
        if (!_byDigest.TryGetValue(digest, out BuildStep? step) && _reported.Count < StatusBudget.MostSteps && digest.Length <= StatusBudget.LongestDigest)
        {
            step = new BuildStep(digest, _budget);
            _byDigest.Add(digest, step);
            _reported.Add(step);
            _steps = null;
        }

        return step;
    }
}
