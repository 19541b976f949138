using System.Globalization;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// Formats build events as lines of text, each with its step number in front. The log is complete and contains no terminal control sequences.
/// It is meant for log files and -Verbose, and resembles the plain progress of other clients.
/// </summary>
public sealed class BuildLogWriter
{
    private readonly Action<string>? _write;
    private readonly string? _reference;
    private readonly HashSet<int> _introduced = [];

    /// <summary>Creates a writer whose lines <see cref="Read"/> returns.</summary>
    /// <param name="reference">The build's reference, for the lines.</param>
    public BuildLogWriter(string? reference) => _reference = reference;

    /// <summary>Creates a writer that passes each line, without its line end, to <paramref name="write"/>.</summary>
    public BuildLogWriter(Action<string> write) => _write = write;

    /// <summary>Writes the lines for an event.</summary>
    public void Write(BuildEvent happened)
    {
        foreach (BuildLogLine line in Read(happened))
        {
            _write?.Invoke(line.ToString());
        }
    }

    /// <summary>Returns the lines for an event. Each event may be read once.</summary>
    public IReadOnlyList<BuildLogLine> Read(BuildEvent happened)
    {
        List<BuildLogLine> lines = [];
        BuildStep step = happened.Step;
        switch (happened)
        {
            case StepStarted:
                Introduce(happened, lines);
                break;
            case StepLogged logged:
                Introduce(happened, lines);
                lines.Add(new BuildLogLine
                {
                    Ref = _reference,
                    Step = step.Number,
                    StepName = step.Name,
                    Digest = step.Digest,
                    Time = logged.At,
                    Stream = logged.IsError ? BuildLogStream.Error : BuildLogStream.Output,
                    Text = logged.Line,
                    Elapsed = step.Started is { } start && logged.At > start ? logged.At - start : TimeSpan.Zero,
                });
                break;
            case StepProgressed { Status.Completed: not null } progressed:
                Introduce(happened, lines);
                Add(happened, $"{progressed.Status.Id} {Amount(progressed.Status)}done", lines);
                break;
            case StepWarned warned:
                Introduce(happened, lines);
                Add(happened, $"WARN: {warned.Warning}", lines);
                break;
            case StepCompleted:
                Introduce(happened, lines);
                Add(happened, Outcome(step), lines);
                break;
        }

        return lines;
    }

    private static string Outcome(BuildStep step)
    {
        if (step.Error is not null)
        {
            return step.IsCancelled ? "CANCELED" : $"ERROR: {step.Error}";
        }

        return step.Cached ? "CACHED" : string.Create(CultureInfo.InvariantCulture, $"DONE {step.Duration.TotalSeconds:0.0}s");
    }

    private static string Amount(BuildStepStatus status) => status.Current > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{status.Current} B ")
        : string.Empty;

    private void Add(BuildEvent happened, string text, List<BuildLogLine> lines) => lines.Add(new BuildLogLine
    {
        Ref = _reference,
        Step = happened.Step.Number,
        StepName = happened.Step.Name,
        Digest = happened.Step.Digest,
        Time = happened.When,
        Text = text,
    });

    private void Introduce(BuildEvent happened, List<BuildLogLine> lines)
    {
        if (_introduced.Add(happened.Step.Number))
        {
            Add(happened, happened.Step.Name, lines);
        }
    }
}
