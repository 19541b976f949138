using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Failures;

/// <summary>Why a build failed.</summary>
public enum BuildFailureKind
{
    /// <summary>None of the others.</summary>
    Other,

    /// <summary>A command of the Dockerfile ended with an exit code other than 0.</summary>
    StepFailed,

    /// <summary>The Dockerfile cannot be read as one.</summary>
    DockerfileInvalid,

    /// <summary>The stage asked for is not in the Dockerfile.</summary>
    TargetNotFound,

    /// <summary>A file that a step wants is not in the context as the engine got it.</summary>
    FileNotInContext,

    /// <summary>An image the Dockerfile starts from cannot be had.</summary>
    BaseImageUnavailable,

    /// <summary>The image of the frontend that <c># syntax=</c> names cannot be had.</summary>
    FrontendUnavailable,

    /// <summary>The image of the scanner that makes an SBOM cannot be had.</summary>
    ScannerUnavailable,

    /// <summary>The image was built and could not be pushed.</summary>
    PushFailed,

    /// <summary>The image was built and its cache could not be exported.</summary>
    CacheExportFailed,

    /// <summary>Credentials for a registry could not be had on this machine.</summary>
    CredentialsFailed,

    /// <summary>The context could not be read or sent.</summary>
    ContextFailed,

    /// <summary>The build asks for something that cannot be, or names something that is not there; nothing was sent.</summary>
    InvalidRequest,

    /// <summary>What the build gives could not be written to its place on this machine.</summary>
    OutputFailed,

    /// <summary>The engine lacks something the build asks for.</summary>
    Unsupported,

    /// <summary>The engine does not allow what the build asks for.</summary>
    NotAllowed,

    /// <summary>The connection to the engine was lost.</summary>
    EngineLost,

    /// <summary>The engine's disk is full.</summary>
    EngineDiskFull,

    /// <summary>The build took longer than it may (<c>Timeout</c> of the request) and was stopped.</summary>
    TimedOut,
}

/// <summary>A line of the source that a failure points to.</summary>
/// <param name="Number">The line's number, from 1.</param>
/// <param name="Text">The line.</param>
/// <param name="IsCause">True when the failure lies in it, false for its neighbours.</param>
public sealed record SourceLine(int Number, string Text, bool IsCause)
{
    /// <summary>The line's number, from 1.</summary>
    public int Number { get; init; } = Number;

    /// <summary>The line.</summary>
    public string Text { get; init => field = TerminalText.Line(value); } = TerminalText.Line(Text);

    /// <summary>True when the failure lies in it, false for its neighbours.</summary>
    public bool IsCause { get; init; } = IsCause;
}

/// <summary>A build that failed, with what the engine told of it.</summary>
public sealed class ImageBuildException : Exception
{
    internal ImageBuildException(BuildFailureKind kind, string message, Exception? inner)
        : base(TerminalText.Plain(message), TerminalText.Plain(inner)) => Kind = kind;

    /// <summary>Why it failed.</summary>
    public BuildFailureKind Kind { get; }

    /// <summary>The name of the step that failed; null when none did.</summary>
    public string? StepName { get; init => field = TerminalText.Name(value); }

    /// <summary>The exit code of the command that failed; null when none ran.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The source file the failure points to; null when it points to none.</summary>
    public string? File { get; init => field = TerminalText.Name(value); }

    /// <summary>The first line of it, from 1.</summary>
    public int? Line { get; init; }

    /// <summary>The lines around it.</summary>
    public IReadOnlyList<SourceLine> SourceLines { get; init; } = [];

    /// <summary>The last lines that the failed step wrote.</summary>
    public IReadOnlyList<string> LogTail { get; init; } = [];

    /// <summary>The file that was not found, as the daemon names it; for <see cref="BuildFailureKind.FileNotInContext"/>.</summary>
    public string? MissingFile { get; init => field = TerminalText.Name(value); }

    /// <summary>More on the cause that this client found out, such as the ignore rule that hid a file; null when nothing.</summary>
    public string? Hint { get; init => field = value is null ? null : TerminalText.Plain(value); }

    /// <summary>The address of the engine.</summary>
    public required string Engine { get; init; }

    /// <summary>The build's reference, by which its history is found.</summary>
    public required string BuildRef { get; init; }

    /// <summary>All steps as far as they came.</summary>
    public IReadOnlyList<BuildStep> Steps { get; init; } = [];

    /// <summary>This failure, in the words of what went wrong on this machine while outputs, caches and credentials were passed; the engine only repeats that.</summary>
    internal ImageBuildException Because(Exception own) => Kind is BuildFailureKind.StepFailed or BuildFailureKind.EngineLost or BuildFailureKind.TimedOut
        ? this
        : new ImageBuildException(own is RegistryCredentialException ? BuildFailureKind.CredentialsFailed : BuildFailureKind.OutputFailed, own.Message, this)
        {
            Engine = Engine,
            BuildRef = BuildRef,
            Steps = Steps,
        };

    /// <summary>This failure with more on its cause.</summary>
    internal ImageBuildException WithHint(string hint) => new(Kind, Message, InnerException)
    {
        StepName = StepName,
        ExitCode = ExitCode,
        File = File,
        Line = Line,
        SourceLines = SourceLines,
        LogTail = LogTail,
        MissingFile = MissingFile,
        Hint = Hint is null ? hint : $"{Hint} {hint}",
        Engine = Engine,
        BuildRef = BuildRef,
        Steps = Steps,
    };
}
