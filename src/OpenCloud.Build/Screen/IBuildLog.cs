using OpenCloud.Build.Client.Progress;

namespace OpenCloud.Build.Screen;

/// <summary>The log of the builds of one command, as lines of text. Thread-safe.</summary>
internal interface IBuildLog
{
    /// <summary>Formats a log line. <c>build</c> is null for a single build; <c>endsStep</c> marks a step's last line.</summary>
    public IReadOnlyList<string> Write(string? build, BuildLogLine line, bool endsStep);

    public IReadOnlyList<string> Warn(BuildWarning warning, string? file);

    public IReadOnlyList<string> End(string? build, BuildOutcome outcome);
}

internal sealed record BuildOutcome(string Summary)
{
    public string? Error { get; init; }

    public string? File { get; init; }

    /// <summary>The line in the Dockerfile, from 1.</summary>
    public int? Line { get; init; }
}

/// <summary>A log for people, line by line. With <c>isCi</c> it neutralizes workflow commands in a build's output.</summary>
internal sealed class PlainBuildLog(bool isCi = false) : IBuildLog
{
    public IReadOnlyList<string> Write(string? build, BuildLogLine line, bool endsStep) => [Shown(build is null ? line.ToString() : $"{build}: {line}")];

    // PowerShell writes the warning itself.
    public IReadOnlyList<string> Warn(BuildWarning warning, string? file) => [];

    public IReadOnlyList<string> End(string? build, BuildOutcome outcome) => [Shown(outcome.Summary)];

    private string Shown(string text) => isCi ? WorkflowCommands.Neutral(text) : text;
}
