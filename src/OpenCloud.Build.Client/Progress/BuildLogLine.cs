using System.Globalization;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Progress;

/// <summary>The source of a line in a build's log.</summary>
public enum BuildLogStream
{
    /// <summary>The engine's account of a step: its name, transfers, warnings, its end.</summary>
    Status,

    /// <summary>A step's standard output.</summary>
    Output,

    /// <summary>A step's standard error stream.</summary>
    Error,
}

/// <summary>A line of a build's log. Its text, as of <see cref="ToString"/>, is the line with the step's number.</summary>
public sealed class BuildLogLine
{
    /// <summary>The build's reference; null when the line is not from a history.</summary>
    public string? Ref { get; init => field = TerminalText.Name(value); }

    /// <summary>The number of the step.</summary>
    public int Step { get; init; }

    /// <summary>The time, by the engine's clock; null when unknown.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>The source of the line.</summary>
    public BuildLogStream Stream { get; init; }

    /// <summary>The line without the step's number and time, never shortened, without terminal control sequences.</summary>
    public string Text { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>The name of the step.</summary>
    public string StepName { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>The vertex digest of the step.</summary>
    public string Digest { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The time since the start of the step, for lines that the step wrote; null for others.</summary>
    public TimeSpan? Elapsed { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Elapsed is { } elapsed
        ? string.Create(CultureInfo.InvariantCulture, $"#{Step} {elapsed.TotalSeconds:0.000} {Text}")
        : string.Create(CultureInfo.InvariantCulture, $"#{Step} {Text}");
}
