using System.Globalization;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// Formats build events as lines of text, each with its step number in front. The log is complete and contains no terminal control sequences.
/// It is meant for log files and -Verbose, and resembles the plain progress of other clients.
/// </summary>
public sealed class BuildLogWriter
{
    private readonly Action<string> _write;
    private readonly HashSet<int> _introduced = [];

    /// <summary>Creates a writer that passes each line, without its line end, to <paramref name="write"/>.</summary>
    public BuildLogWriter(Action<string> write) => _write = write;

    /// <summary>Writes the lines for an event.</summary>
    public void Write(BuildEvent happened)
    {
        BuildStep step = happened.Step;
        switch (happened)
        {
            case StepStarted:
                Introduce(step);
                break;
            case StepLogged logged:
                Introduce(step);
                double since = step.Started is { } start && logged.At > start ? (logged.At - start).TotalSeconds : 0;
                Line(step, string.Create(CultureInfo.InvariantCulture, $"{since:0.000} {logged.Line}"));
                break;
            case StepProgressed { Status.Completed: not null } progressed:
                Introduce(step);
                Line(step, string.Create(CultureInfo.InvariantCulture, $"{progressed.Status.Id} {Amount(progressed.Status)}done"));
                break;
            case StepWarned warned:
                Line(step, $"WARN: {warned.Warning}");
                break;
            case StepCompleted:
                Introduce(step);
                Line(step, Outcome(step));
                break;
        }
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

    private void Introduce(BuildStep step)
    {
        if (_introduced.Add(step.Number))
        {
            Line(step, step.Name);
        }
    }

    private void Line(BuildStep step, string text) => _write($"#{step.Number} {TerminalText.Plain(text)}");
}
