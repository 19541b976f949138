using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Progress;

/// <summary>Something that happened in a build, in the order in which the daemon told it.</summary>
/// <param name="Step">The step it happened in.</param>
public abstract record BuildEvent(BuildStep Step);

/// <summary>A step has begun.</summary>
/// <param name="Step">The step.</param>
public sealed record StepStarted(BuildStep Step) : BuildEvent(Step);

/// <summary>A step has ended: done, cached or failed.</summary>
/// <param name="Step">The step.</param>
public sealed record StepCompleted(BuildStep Step) : BuildEvent(Step);

/// <summary>A part of a step has moved on or ended.</summary>
/// <param name="Step">The step.</param>
/// <param name="Status">The part.</param>
public sealed record StepProgressed(BuildStep Step, BuildStepStatus Status) : BuildEvent(Step);

/// <summary>A step wrote a line.</summary>
/// <param name="Step">The step.</param>
/// <param name="IsError">True for the standard error stream.</param>
/// <param name="At">When, by the daemon's clock.</param>
/// <param name="Line">The line without its end, never shortened.</param>
public sealed record StepLogged(BuildStep Step, bool IsError, DateTimeOffset At, string Line) : BuildEvent(Step);

/// <summary>A step wrote something: the bytes as they came, for who asks for them instead of lines.</summary>
/// <param name="Step">The step.</param>
/// <param name="IsError">True for the standard error stream.</param>
/// <param name="Bytes">The bytes; a piece ends anywhere.</param>
internal sealed record StepWrote(BuildStep Step, bool IsError, ReadOnlyMemory<byte> Bytes) : BuildEvent(Step);

/// <summary>The frontend warned.</summary>
/// <param name="Step">The step it belongs to.</param>
/// <param name="Warning">The warning.</param>
public sealed record StepWarned(BuildStep Step, BuildWarning Warning) : BuildEvent(Step);

/// <summary>A warning of the frontend, such as a build check that did not pass.</summary>
/// <param name="Message">One line.</param>
/// <param name="Detail">More of it, possibly empty.</param>
/// <param name="Url">Where it is explained; null when nowhere.</param>
/// <param name="File">The source file, such as <c>Dockerfile</c>; null when unknown.</param>
/// <param name="Line">The line in it, from 1; null when unknown.</param>
/// <param name="Level">The level the frontend gave it.</param>
public sealed record BuildWarning(string Message, string Detail, string? Url, string? File, int? Line, int Level)
{
    /// <summary>One line.</summary>
    public string Message { get; init => field = TerminalText.Line(value); } = TerminalText.Line(Message);

    /// <summary>More of it, possibly empty.</summary>
    public string Detail { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Detail);

    /// <summary>Where it is explained; null when nowhere.</summary>
    public string? Url { get; init => field = TerminalText.Name(value); } = TerminalText.Name(Url);

    /// <summary>The source file; null when unknown.</summary>
    public string? File { get; init => field = TerminalText.Name(value); } = TerminalText.Name(File);

    /// <summary>The line in it, from 1; null when unknown.</summary>
    public int? Line { get; init; } = Line;

    /// <summary>The level the frontend gave it.</summary>
    public int Level { get; init; } = Level;

    /// <inheritdoc/>
    public override string ToString() => File is null ? Message : Line is null ? $"{File}: {Message}" : $"{File}:{Line}: {Message}";
}
