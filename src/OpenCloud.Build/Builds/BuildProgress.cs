using System.Globalization;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>Creates the progress bars of a build: one for the build, one for each running step.</summary>
internal static class BuildProgress
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>The current progress of a build; <c>now</c> is the estimated time of the daemon's clock.</summary>
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
        return new ProgressSnapshot($"Building {what}", status, total == 0 ? -1 : done * 100 / total, running);
    }

    private static string StatusOf(BuildStep step, DateTimeOffset now)
    {
        string time = string.Create(CultureInfo.InvariantCulture, $"{step.RunningFor(now).TotalSeconds:0} s");
        BuildStepStatus? part = step.Statuses.LastOrDefault(static s => s.Completed is null);
        if (part is not null)
        {
            return part.Total > 0 ? $"{time}  {part.Id} {Bytes(part.Current)} of {Bytes(part.Total)}"
                : part.Current > 0 ? $"{time}  {part.Id} {Bytes(part.Current)}"
                : $"{time}  {part.Id}";
        }

        return step.LogTail.LastOrDefault(static l => !string.IsNullOrWhiteSpace(l)) is { } line ? $"{time}  {line}" : time;
    }

    private static int PercentOf(BuildStep step)
    {
        long current = 0;
        long total = 0;
        foreach (BuildStepStatus part in step.Statuses)
        {
            if (part.Total > 0)
            {
                current += Math.Min(part.Current, part.Total);
                total += part.Total;
            }
        }

        return total > 0 ? (int)(current * 100 / total) : -1;
    }

    private static string Bytes(long count)
    {
        double amount = count;
        int unit = 0;
        while (amount >= 1024 && unit < Units.Length - 1)
        {
            amount /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{amount.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture)} {Units[unit]}");
    }
}
