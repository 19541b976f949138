using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Progress;

/// <summary>A step of a build: a BuildKit vertex, as the Status stream reports it.</summary>
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

    internal BuildStep(string digest, StatusBudget budget)
    {
        _budget = budget;
        _lines = [new(budget), new(budget)];
        Key = digest;
        Digest = TerminalText.Name(digest);
    }

    /// <summary>The number of the step, from 1, in the order in which the steps started; 0 before the start.</summary>
    public int Number { get; internal set; }

    /// <summary>The vertex digest, <c>sha256:…</c>; the same for the same definition.</summary>
    public string Digest { get; }

    /// <summary>The name the frontend gave, such as <c>[build 2/3] RUN make</c>.</summary>
    public string Name { get; private set => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>True when the result came from the cache.</summary>
    public bool Cached { get; private set; }

    /// <summary>The first start of the step; null before it.</summary>
    public DateTimeOffset? Started => _started;

    /// <summary>The last end of the step; null while it runs or has not started.</summary>
    public DateTimeOffset? Completed { get; private set; }

    /// <summary>The total run time, over all runs of the step.</summary>
    public TimeSpan Duration => _finished;

    /// <summary>The daemon's error message; null when the step did not fail.</summary>
    public string? Error { get; private set => field = value is null ? null : TerminalText.Plain(value); }

    /// <summary>True for the frontend's own work (loading the Dockerfile, the context, metadata).</summary>
    public bool IsInternal => Name.StartsWith("[internal]", StringComparison.Ordinal);

    /// <summary>True between start and end.</summary>
    public bool IsRunning => _running is not null;

    /// <summary>True when the step ended because the build was cancelled or failed elsewhere.</summary>
    public bool IsCancelled => Error is not null && (Error.Contains("context canceled", StringComparison.Ordinal)
        || Error.Contains("context cancelled", StringComparison.Ordinal));

    /// <summary>The last lines that the step wrote, at most fifty, as one text.</summary>
    public string LogTail => string.Join('\n', _tail);

    /// <summary>The digest as the daemon reports it.</summary>
    internal string Key { get; }

    /// <summary>The digests of the steps that this one needs.</summary>
    internal IReadOnlyList<string> Inputs { get; set; } = [];

    /// <summary>The number of runs that have ended.</summary>
    internal int Runs { get; private set; }

    /// <summary>How long the step has run, at a time of the daemon's clock.</summary>
    public TimeSpan RunningFor(DateTimeOffset now) => _running is { } since && now > since && now - since < TimeSpan.MaxValue - _finished ? _finished + (now - since) : _finished;

    /// <summary>The parts of the step (a transfer, an extraction), in order of appearance.</summary>
    public IReadOnlyCollection<BuildStepStatus> GetStatuses() => new TextView<BuildStepStatus>(_statuses.Values);

    /// <summary>The lines of <see cref="LogTail"/>.</summary>
    public IReadOnlyCollection<string> GetLogLines() => new TextView<string>(_tail);

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
            // The daemon may run a vertex again (another job shares it): a new start without an end. An earlier start is a repetition after Status was
            // requested again.
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
            Runs++;
            change |= from <= _lastStart ? BuildStepChange.None : BuildStepChange.Started;
            _lastStart = _lastStart > from ? _lastStart : from;
            _started ??= from;
            if (end > from)
            {
                // Saturating arithmetic: the engine chooses these times.
                TimeSpan ran = end - from;
                _finished = ran < TimeSpan.MaxValue - _finished ? _finished + ran : TimeSpan.MaxValue;
            }

            _running = null;
            Completed = end;
            change |= BuildStepChange.Completed;
        }

        return change;
    }

    /// <summary>Applies the progress of a part of the step; null when it is already known.</summary>
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

    /// <summary>Call when Status is requested again: later messages may repeat known state.</summary>
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

    /// <summary>Drops the log tail in favor of steps that have written since.</summary>
    internal void ForgetTail()
    {
        _budget.AddTail(-_tail.Sum(static line => line.Length));
        _tail.Clear();
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

[Flags]
internal enum BuildStepChange
{
    None = 0,
    Started = 1,
    Completed = 2,
}

/// <summary>A part of a step with its own progress: a layer pull, a context transfer, an export.</summary>
public sealed class BuildStepStatus
{
    internal BuildStepStatus(string id) => Id = TerminalText.Line(id);

    /// <summary>The daemon's id, unique within the step.</summary>
    public string Id { get; }

    /// <summary>The progress, in the unit of <see cref="Total"/> (mostly bytes).</summary>
    public long Current { get; private set; }

    /// <summary>The total; 0 when unknown.</summary>
    public long Total { get; private set; }

    /// <summary>The end; null while the part is running.</summary>
    public DateTimeOffset? Completed { get; private set; }

    /// <inheritdoc/>
    public override string ToString() => Id;

    /// <summary>Applies an update; false when it changes nothing.</summary>
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
