using OpenCloud.Build.Client.Progress;

namespace OpenCloud.Build.Screen;

/// <summary>The log of the builds of one command, as lines of text. Thread-safe.</summary>
internal interface IBuildLog
{
    /// <summary>The lines for a line of a build's log.</summary>
    /// <param name="build">The name of the build; null when it is the only one.</param>
    /// <param name="line">The line.</param>
    /// <param name="endsStep">True for the last line of a step.</param>
    public IReadOnlyList<string> Write(string? build, BuildLogLine line, bool endsStep);

    /// <summary>The lines for a warning.</summary>
    public IReadOnlyList<string> Warn(BuildWarning warning, string? file);

    /// <summary>The lines for the end of a build.</summary>
    public IReadOnlyList<string> End(string? build, BuildOutcome outcome);
}

/// <summary>The end of a build.</summary>
/// <param name="Summary">What became of it, in one line.</param>
internal sealed record BuildOutcome(string Summary)
{
    /// <summary>Why the build failed; null when it did not.</summary>
    public string? Error { get; init; }

    /// <summary>The Dockerfile that the error names; null when it names none.</summary>
    public string? File { get; init; }

    /// <summary>The line in the Dockerfile, from 1.</summary>
    public int? Line { get; init; }
}

/// <summary>A log for people: each line as it comes.</summary>
/// <param name="isCi">Whether a CI host reads it, too, whatever shows it: then a build's words must be no commands for it.</param>
internal sealed class PlainBuildLog(bool isCi = false) : IBuildLog
{
    public IReadOnlyList<string> Write(string? build, BuildLogLine line, bool endsStep) => [Shown(build is null ? line.ToString() : $"{build}: {line}")];

    // PowerShell writes the warning itself.
    public IReadOnlyList<string> Warn(BuildWarning warning, string? file) => [];

    public IReadOnlyList<string> End(string? build, BuildOutcome outcome) => [Shown(outcome.Summary)];

    private string Shown(string text) => isCi ? WorkflowCommands.Neutral(text) : text;
}
