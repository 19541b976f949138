using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Changes;

/// <summary>Runs steps in order, asks before each, records each, and undoes all when one fails.</summary>
internal sealed class StepRunner(IHostObserver observer, ChangeJournal journal, CancellationToken cancellationToken)
{
    private readonly List<HostStepOutcome> _outcomes = [];

    public IReadOnlyList<HostStepOutcome> Outcomes => _outcomes;

    public bool AnyChanged => _outcomes.Exists(outcome => outcome.Result == StepResult.Changed);

    /// <summary>Whether a step was skipped because it was not approved.</summary>
    public bool AnySkipped => _outcomes.Exists(outcome => outcome.Result == StepResult.Skipped);

    /// <summary>Runs one step and returns whether its wanted state is now present.</summary>
    public bool Run(HostStep step)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (step.IsDone())
        {
            return Note(step, StepResult.Unchanged);
        }

        if (!observer.Approve(step.Info))
        {
            return Note(step, StepResult.Skipped);
        }

        if (step.Prepare() is { } change)
        {
            journal.Append(change);
        }

        observer.Verbose($"{step.Action}: {step.Target}");
        step.Do(cancellationToken);
        return Note(step, StepResult.Changed);
    }

    public void Run(IEnumerable<HostStep> steps)
    {
        foreach (HostStep step in steps)
        {
            Run(step);
        }
    }

    /// <summary>Runs work made of steps; on failure it restores the host, and the error reports that.</summary>
    public async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            bool began = journal.Changes.Count > 0;
            IReadOnlyList<string> left = journal.RollBack(observer.Verbose);
            string aftermath = !began ? "Nothing was changed."
                : left.Count == 0 ? "The host was restored to its previous state."
                : $"The host was restored as far as possible; remaining: {string.Join("; ", left)}";
            switch (error)
            {
                case OperationCanceledException:
                    observer.Verbose(aftermath);
                    throw;
                case HostException known:
                    known.Aftermath ??= aftermath;
                    throw;
                case IOException when FileHash.IsDiskFull(error):
                    throw new HostException(
                        HostErrorKind.DiskFull,
                        $"A disk is full: {error.Message}",
                        "Free disk space (a release requires about 300 MB under the prefix, and the same amount during an update) and run the command again.",
                        inner: error)
                    { Aftermath = aftermath };
                case IOException or UnauthorizedAccessException:
                    throw new HostException(HostErrorKind.CommandFailed, error.Message, inner: error) { Aftermath = aftermath };
                default:
                    observer.Warning(aftermath);
                    throw;
            }
        }
    }

    private bool Note(HostStep step, StepResult result)
    {
        HostStepOutcome outcome = new(step.Kind, step.Target, step.Action, result);
        _outcomes.Add(outcome);
        observer.Report(outcome);
        return result != StepResult.Skipped;
    }
}
