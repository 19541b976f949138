using System.Globalization;
using System.Management.Automation;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Pipeline;

/// <summary>
/// Shows snapshots as PowerShell progress: one bar for the operation and one below it for each running step. Writes only changed bars, and
/// completes every bar it started. Belongs to the pipeline's thread.
/// </summary>
internal sealed class ProgressBoard(Action<ProgressRecord> write)
{
    /// <summary>The largest number of step bars shown at once: more would push everything else off the console.</summary>
    internal const int MaxSteps = 8;

    // Distinct ids, so that bars of other cmdlets in the session are not replaced.
    private static int _lastId = 0x0B01_0000;

    private readonly Dictionary<string, Bar> _steps = new(StringComparer.Ordinal);
    private Bar? _parent;

    /// <summary>Shows <paramref name="snapshot"/>; completes the bars of steps that it no longer contains.</summary>
    public void Show(ProgressSnapshot snapshot)
    {
        List<StepProgress> steps = [.. snapshot.Steps.DistinctBy(static s => s.Key).Take(MaxSteps)];
        int hidden = snapshot.Steps.Count - steps.Count;
        string status = hidden > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{snapshot.Status} (and {hidden} more running)")
            : snapshot.Status;

        _parent ??= new Bar(NextId(), -1);
        Write(_parent, snapshot.Activity, status, snapshot.Percent);

        HashSet<string> running = new(steps.Select(static s => s.Key), StringComparer.Ordinal);
        foreach (string ended in _steps.Keys.Where(k => !running.Contains(k)).ToList())
        {
            Complete(_steps[ended]);
            _steps.Remove(ended);
        }

        foreach (StepProgress step in steps)
        {
            if (!_steps.TryGetValue(step.Key, out Bar? bar))
            {
                _steps[step.Key] = bar = new Bar(NextId(), _parent.Id);
            }

            Write(bar, step.Activity, step.Status, step.Percent);
        }
    }

    /// <summary>Completes every bar.</summary>
    /// <param name="instead">Receives the records when the normal way is closed.</param>
    public void Complete(Action<ProgressRecord>? instead = null)
    {
        foreach (Bar bar in _steps.Values)
        {
            Complete(bar, instead);
        }

        _steps.Clear();
        if (_parent is not null)
        {
            Complete(_parent, instead);
            _parent = null;
        }
    }

    private static int NextId() => Interlocked.Increment(ref _lastId) & int.MaxValue;

    private void Write(Bar bar, string activity, string status, int percent)
    {
        (string, string, int) shown = (Plain(activity), Plain(status), Math.Clamp(percent, -1, 100));
        if (shown == bar.Shown)
        {
            return;
        }

        bar.Shown = shown;
        write(new ProgressRecord(bar.Id, shown.Item1, shown.Item2) { ParentActivityId = bar.ParentId, PercentComplete = shown.Item3 });
    }

    private void Complete(Bar bar, Action<ProgressRecord>? instead = null) =>
        (instead ?? write)(new ProgressRecord(bar.Id, bar.Shown.Activity, bar.Shown.Status) { ParentActivityId = bar.ParentId, RecordType = ProgressRecordType.Completed });

    /// <summary>One line without terminal control sequences. Never empty.</summary>
    private static string Plain(string text) => TerminalText.Line(text).Replace('\t', ' ') is { Length: > 0 } plain ? plain : " ";

    private sealed class Bar(int id, int parentId)
    {
        public int Id => id;

        public int ParentId => parentId;

        public (string Activity, string Status, int Percent) Shown { get; set; }
    }
}
