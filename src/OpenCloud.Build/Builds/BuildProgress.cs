using System.Globalization;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Pipeline;
using OpenCloud.Build.Screen;

namespace OpenCloud.Build.Builds;

/// <summary>Creates the progress bars of a build: one for the build, one for each running step.</summary>
internal static class BuildProgress
{
    private const int MostSteps = 64;
    private const int MostParts = 32;
    private const string DigestPrefix = "sha256:";

    /// <summary><c>now</c> is the estimated time of the daemon's clock.</summary>
    public static ProgressSnapshot Of(string what, BuildModel model, TimeSpan elapsed, DateTimeOffset now)
    {
        int total = model.Steps.Count;
        int done = 0;
        List<StepProgress> running = [];
        foreach (BuildStep step in model.Steps)
        {
            if (step.Completed is not null)
            {
                done++;
            }
            else if (step.IsRunning)
            {
                running.Add(new StepProgress(step.Digest, step.Name, StatusOf(step, now), PercentOf(step)));
            }
        }

        string status = string.Create(CultureInfo.InvariantCulture, $"{done} of {total} steps, {model.CachedCount} cached, {elapsed.TotalSeconds:0} s");
        // The daemon reports steps as it goes, so the total is an estimate until the last one.
        ProgressSnapshot bars = new($"Building {what}", status, total == 0 ? -1 : done * 100 / total, running);
        return new BuildView(what, elapsed, done, total, model.CachedCount, Started(model, now), bars);
    }

    /// <summary>The steps for a screen: the running ones, and the last of the others.</summary>
    private static List<StepView> Started(BuildModel model, DateTimeOffset now)
    {
        List<StepView> started = [];
        int running = 0;
        int ended = 0;
        for (int i = model.Steps.Count - 1; i >= 0 && (running < MostSteps || ended < MostSteps); i--)
        {
            BuildStep step = model.Steps[i];
            if (step.Number > 0 && (step.IsRunning ? running++ : ended++) < MostSteps)
            {
                started.Add(View(step, now));
            }
        }

        started.Reverse();
        return started;
    }

    private static StepView View(BuildStep step, DateTimeOffset now)
    {
        StepState state = step.IsRunning ? StepState.Running
            : step.IsCancelled ? StepState.Cancelled
            : step.Error is not null ? StepState.Failed
            : step.Cached ? StepState.Cached : StepState.Done;
        if (state != StepState.Running)
        {
            return new StepView(step.Number, step.Name, state, step.Duration);
        }

        return new StepView(step.Number, step.Name, state, step.RunningFor(now))
        {
            Parts = [.. step.GetStatuses().Where(static p => p.Completed is null).Take(MostParts).Select(static p => new PartView(Short(p.Id), p.Current, p.Total))],
            Log = [.. step.GetLogLines().Where(static l => !string.IsNullOrWhiteSpace(l)).TakeLast(ScreenRenderer.LogLines)],
        };
    }

    private static string Short(string id)
    {
        int digest = id.IndexOf(DigestPrefix, StringComparison.Ordinal);
        int end = digest + DigestPrefix.Length + 64;
        return digest >= 0 && id.Length >= end ? string.Concat(id.AsSpan(0, digest + DigestPrefix.Length + 12), id.AsSpan(end)) : id;
    }

    private static string StatusOf(BuildStep step, DateTimeOffset now)
    {
        string time = string.Create(CultureInfo.InvariantCulture, $"{step.RunningFor(now).TotalSeconds:0} s");
        BuildStepStatus? part = step.GetStatuses().LastOrDefault(static s => s.Completed is null);
        if (part is not null)
        {
            return part.Total > 0 ? $"{time}  {part.Id} {Amounts.Bytes(part.Current)} of {Amounts.Bytes(part.Total)}"
                : part.Current > 0 ? $"{time}  {part.Id} {Amounts.Bytes(part.Current)}"
                : $"{time}  {part.Id}";
        }

        return step.GetLogLines().LastOrDefault(static l => !string.IsNullOrWhiteSpace(l)) is { } line ? $"{time}  {line}" : time;
    }

    private static int PercentOf(BuildStep step)
    {
        long current = 0;
        long total = 0;
        foreach (BuildStepStatus part in step.GetStatuses())
        {
            if (part.Total > 0)
            {
                current += Math.Min(part.Current, part.Total);
                total += part.Total;
            }
        }

        return total > 0 ? (int)(current * 100 / total) : -1;
    }
}
