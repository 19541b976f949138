using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Progress;

/// <summary>A step of a build: what BuildKit calls a vertex, as the Status stream tells of it.</summary>
public sealed class BuildStep
{
    private const int TailLines = 50;
    private const int MostStatuses = 10_000;

    private readonly StatusBudget _budget;
    private readonly Dictionary<string, BuildStepStatus> _statuses = new(StringComparer.Ordinal);
    private readonly Queue<string> _tail = new();
    private readonly LogLineAssembler[] _lines;
    private readonly LogPosition[] _positions = [new(), new()];
    private DateTimeOffset? _lastStart;
    private DateTimeOffset? _lastEnd;
    private TimeSpan _finished;
    private DateTimeOffset? _started;
    private DateTimeOffset? _running;

    internal BuildStep(int number, string digest, StatusBudget budget)
    {
        _budget = budget;
        _lines = [new(budget), new(budget)];
        Number = number;
        Digest = TerminalText.Name(digest);
    }

    /// <summary>The place in the order in which the daemon made the steps known, from 1.</summary>
    public int Number { get; }

    /// <summary>The vertex digest, <c>sha256:…</c>; stable for the same definition.</summary>
    public string Digest { get; }

    /// <summary>The name the frontend gave, such as <c>[build 2/3] RUN make</c>.</summary>
    public string Name { get; private set => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>True when the result came from the cache.</summary>
    public bool Cached { get; private set; }

    /// <summary>When the step began first; null while it has not.</summary>
    public DateTimeOffset? Started => _started;

    /// <summary>When it ended last; null while it runs or has not begun.</summary>
    public DateTimeOffset? Completed { get; private set; }

    /// <summary>The time it ran; a step that ran more than once is counted each time.</summary>
    public TimeSpan Duration => _finished;

    /// <summary>What went wrong, in the daemon's words; null when nothing did.</summary>
    public string? Error { get; private set => field = value is null ? null : TerminalText.Plain(value); }

    /// <summary>True for the frontend's own work (loading the Dockerfile, the context, metadata).</summary>
    public bool IsInternal => Name.StartsWith("[internal]", StringComparison.Ordinal);

    /// <summary>True between start and completion.</summary>
    public bool IsRunning => _running is not null;

    /// <summary>True when the step failed because the build was given up elsewhere, not by itself.</summary>
    public bool IsCancelled => Error is not null && (Error.Contains("context canceled", StringComparison.Ordinal)
        || Error.Contains("context cancelled", StringComparison.Ordinal));

    /// <summary>What runs within the step (a transfer, an extraction), in order of appearance.</summary>
    public IReadOnlyCollection<BuildStepStatus> Statuses => _statuses.Values;

    /// <summary>The last lines the step wrote, at most fifty.</summary>
    public IReadOnlyCollection<string> LogTail => _tail;

    internal TimeSpan RunningFor(DateTimeOffset now) => _running is { } since && now > since && now - since < TimeSpan.MaxValue - _finished ? _finished + (now - since) : _finished;

    internal BuildStepChange Apply(Vertex vertex)
    {
        BuildStepChange change = BuildStepChange.None;
        if (vertex.Name.Length > 0 && TerminalText.Line(TerminalText.Bounded(vertex.Name, StatusBudget.LongestName)) is var name && name != Name)
        {
            Name = _budget.Take(name, StatusBudget.LongestName);
        }

        DateTimeOffset? started = vertex.Started.ToTime();
        DateTimeOffset? completed = vertex.Completed.ToTime();
        if (started is { } start && completed is null && !(start <= _lastStart))
        {
            // The daemon may run a vertex again (another job shares it): a new start without an end. An earlier start is a repetition, which
            // comes where the status was asked for again.
            _started ??= start;
            _lastStart = start;
            _running = start;
            Completed = null;
            change |= BuildStepChange.Started;
        }

        if (vertex.Cached && !Cached)
        {
            Cached = true;
        }

        if (vertex.Error.Length > 0)
        {
            string error = TerminalText.Plain(TerminalText.Bounded(vertex.Error, StatusBudget.LongestError));
            Error = error == Error ? Error : _budget.Take(error, StatusBudget.LongestError);
        }

        if (completed is { } end && !(end <= _lastEnd))
        {
            DateTimeOffset from = started ?? _running ?? end;
            _lastEnd = end;
            _lastStart = _lastStart > from ? _lastStart : from;
            _started ??= from;
            if (end > from)
            {
                // Saturated: these are the engine's times.
                TimeSpan ran = end - from;
                _finished = ran < TimeSpan.MaxValue - _finished ? _finished + ran : TimeSpan.MaxValue;
            }

            _running = null;
            Completed = end;
            change |= BuildStepChange.Completed;
        }

        return change;
    }

    /// <summary>Takes in how far a part of the step is; null when that is known already.</summary>
    internal BuildStepStatus? Apply(VertexStatus status)
    {
        bool isNew = !_statuses.TryGetValue(status.Id, out BuildStepStatus? known);
        if (isNew)
        {
            known = new BuildStepStatus(TerminalText.Bounded(status.Id, StatusBudget.LongestName));
            if (_statuses.Count < MostStatuses && _budget.Statuses < StatusBudget.MostStatuses && status.Id.Length <= StatusBudget.LongestName)
            {
                _budget.Statuses++;
                _statuses.Add(_budget.Take(status.Id, StatusBudget.LongestName), known);
            }
        }

        return known!.Apply(status) || isNew ? known : null;
    }

    /// <summary>The status was asked for again: what it tells from now on may be known.</summary>
    internal void Resume()
    {
        foreach (LogPosition position in _positions)
        {
            position.Resume();
        }
    }

    internal IEnumerable<string> Append(VertexLog log)
    {
        int stream = log.Stream == 2 ? 1 : 0;
        return _positions[stream].IsNew(log) ? Remember(_lines[stream].Append(log.Msg.Memory.Span)) : [];
    }

    internal IEnumerable<string> Flush(int stream) => Remember(_lines[stream - 1].Flush());

    private List<string> Remember(List<string> lines)
    {
        foreach (string line in lines)
        {
            if (_tail.Count == TailLines)
            {
                _budget.AddTail(-_tail.Dequeue().Length);
            }

            string kept = TerminalText.Bounded(TerminalText.Line(line), StatusBudget.LongestName);
            _budget.AddTail(kept.Length);
            _tail.Enqueue(kept);
        }

        return lines;
    }

    /// <summary>Gives up the tail, for the sake of steps that have written since.</summary>
    internal void ForgetTail()
    {
        _budget.AddTail(-_tail.Sum(static line => line.Length));
        _tail.Clear();
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>What an update changed of a step.</summary>
[Flags]
internal enum BuildStepChange
{
    None = 0,
    Started = 1,
    Completed = 2,
}

/// <summary>A part of a step with a progress of its own: a layer pulled, a context transferred, an export.</summary>
public sealed class BuildStepStatus
{
    internal BuildStepStatus(string id) => Id = TerminalText.Line(id);

    /// <summary>The id the daemon gave it, unique within the step.</summary>
    public string Id { get; }

    /// <summary>How far it is, in the unit of <see cref="Total"/> (mostly bytes).</summary>
    public long Current { get; private set; }

    /// <summary>The whole, or 0 where it is not known.</summary>
    public long Total { get; private set; }

    /// <summary>When it ended; null while it runs.</summary>
    public DateTimeOffset? Completed { get; private set; }

    /// <summary>Takes in an update, and says whether it is one.</summary>
    internal bool Apply(VertexStatus status)
    {
        DateTimeOffset? completed = status.Completed.ToTime();
        if (completed < Completed || (Completed is not null && completed is null && status.Timestamp.ToTime() <= Completed))
        {
            return false;
        }

        bool isUpdate = Current != status.Current || Total != status.Total || Completed != completed;
        Current = status.Current;
        Total = status.Total;
        Completed = completed;
        return isUpdate;
    }
}
