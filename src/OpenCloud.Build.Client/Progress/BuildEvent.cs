using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Progress;

/// <summary>An event of a build; events come in the order of time, as far as the daemon reports them so.</summary>
/// <param name="Step">The step of the event.</param>
public abstract record BuildEvent(BuildStep Step)
{
    /// <summary>The time by the daemon's clock, as far as known; orders the events of a message.</summary>
    internal DateTimeOffset When { get; init; }
}

/// <summary>A step started.</summary>
/// <param name="Step">The step.</param>
public sealed record StepStarted(BuildStep Step) : BuildEvent(Step);

/// <summary>A step ended: done, cached or failed.</summary>
/// <param name="Step">The step.</param>
public sealed record StepCompleted(BuildStep Step) : BuildEvent(Step);

/// <summary>A part of a step progressed or ended.</summary>
/// <param name="Step">The step.</param>
/// <param name="Status">The part.</param>
public sealed record StepProgressed(BuildStep Step, BuildStepStatus Status) : BuildEvent(Step);

/// <summary>A step wrote a line.</summary>
/// <param name="Step">The step.</param>
/// <param name="IsError">True for the standard error stream.</param>
/// <param name="At">The time, by the daemon's clock.</param>
/// <param name="Line">The line without its line end, never shortened.</param>
public sealed record StepLogged(BuildStep Step, bool IsError, DateTimeOffset At, string Line) : BuildEvent(Step);

/// <summary>A step wrote output: the raw bytes, for callers who request them instead of lines. A piece ends anywhere.</summary>
/// <param name="Step">The step.</param>
/// <param name="IsError">True for the standard error stream.</param>
/// <param name="Bytes">The bytes, unfiltered.</param>
public sealed record StepWrote(BuildStep Step, bool IsError, ReadOnlyMemory<byte> Bytes) : BuildEvent(Step);

/// <summary>The frontend issued a warning.</summary>
/// <param name="Step">The step of the warning.</param>
/// <param name="Warning">The warning.</param>
public sealed record StepWarned(BuildStep Step, BuildWarning Warning) : BuildEvent(Step);

/// <summary>A warning of the frontend, such as a failed build check.</summary>
/// <param name="Message">The message, one line.</param>
/// <param name="Detail">The details; may be empty.</param>
/// <param name="Url">The address of the explanation; null when there is none.</param>
/// <param name="File">The source file, such as <c>Dockerfile</c>; null when unknown.</param>
/// <param name="Line">The line in the file, from 1; null when unknown.</param>
/// <param name="Level">The frontend's warning level.</param>
public sealed record BuildWarning(string Message, string Detail, string? Url, string? File, int? Line, int Level)
{
    /// <summary>The message, one line.</summary>
    public string Message { get; init => field = TerminalText.Line(value); } = TerminalText.Line(Message);

    /// <summary>The details; may be empty.</summary>
    public string Detail { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Detail);

    /// <summary>The address of the explanation; null when there is none.</summary>
    public string? Url { get; init => field = TerminalText.Name(value); } = TerminalText.Name(Url);

    /// <summary>The source file; null when unknown.</summary>
    public string? File { get; init => field = TerminalText.Name(value); } = TerminalText.Name(File);

    /// <summary>The line in the file, from 1; null when unknown.</summary>
    public int? Line { get; init; } = Line;

    /// <summary>The frontend's warning level.</summary>
    public int Level { get; init; } = Level;

    /// <inheritdoc/>
    public override string ToString() => File is null ? Message : Line is null ? $"{File}: {Message}" : $"{File}:{Line}: {Message}";
}
