using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// The ends of steps that are not reported yet, so that each is reported once. The daemon runs a step without inputs, a source, twice: for its
/// cache key, then for its content (moby/buildkit, solver/jobs.go, sharedOp.CacheMap and Exec), and reports an end each time.
/// </summary>
internal sealed class PendingEnds(StatusBudget budget)
{
    /// <summary>The time, by the daemon's clock, after which a source that no other step needs does not run again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private const int Most = 1000;

    private readonly HashSet<BuildStep> _pending = [];
    private readonly HashSet<string> _needed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <summary>Notes which steps another one needs, and that it has them when it starts.</summary>
    public void Note(BuildStep step, Vertex vertex)
    {
        if (step.Inputs.Count == 0 && vertex.Inputs.Count > 0)
        {
            step.Inputs = budget.TakeInputs(vertex.Inputs);
            _needed.UnionWith(step.Inputs);
        }

        if (step.Started is not null)
        {
            _used.UnionWith(step.Inputs);
        }
    }

    public void Add(BuildStep step) => _pending.Add(step);

    /// <summary>Takes the steps that have ended for good; <c>now</c> is the latest time that the daemon reported.</summary>
    public List<BuildStep> Take(DateTimeOffset now) => Take(s => IsFinal(s, now));

    /// <summary>Takes the ended steps after a silence.</summary>
    public List<BuildStep> TakeAfterSilence() => Take(s => !_needed.Contains(s.Key) || _used.Contains(s.Key));

    /// <summary>Takes all ended steps, at the end of the build.</summary>
    public List<BuildStep> TakeAll() => Take(static _ => true);

    private bool IsFinal(BuildStep step, DateTimeOffset now) =>
        step.Inputs.Count > 0 || step.Runs > 1 || step.Cached || step.Error is not null || _used.Contains(step.Key)
        || (!_needed.Contains(step.Key) && now - step.Completed > Patience);

    private List<BuildStep> Take(Func<BuildStep, bool> isFinal)
    {
        if (_pending.Count == 0)
        {
            return [];
        }

        // A step that runs again has not ended.
        _pending.RemoveWhere(static s => s.Completed is null);
        List<BuildStep> taken = [.. _pending.Where(s => _pending.Count > Most || isFinal(s))];
        _pending.ExceptWith(taken);
        return taken;
    }
}
