using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Failures;

/// <summary>The kind of a build failure.</summary>
public enum BuildFailureKind
{
    /// <summary>Any other failure.</summary>
    Other,

    /// <summary>A command of the Dockerfile ended with an exit code other than 0.</summary>
    StepFailed,

    /// <summary>The Dockerfile is invalid.</summary>
    DockerfileInvalid,

    /// <summary>The requested stage is not in the Dockerfile.</summary>
    TargetNotFound,

    /// <summary>A file that a step needs is not in the context that the engine received.</summary>
    FileNotInContext,

    /// <summary>A base image of the Dockerfile is not available.</summary>
    BaseImageUnavailable,

    /// <summary>The frontend image that <c># syntax=</c> names is not available.</summary>
    FrontendUnavailable,

    /// <summary>The image of the SBOM scanner is not available.</summary>
    ScannerUnavailable,

    /// <summary>The image was built but could not be pushed.</summary>
    PushFailed,

    /// <summary>The image was built but its cache could not be exported.</summary>
    CacheExportFailed,

    /// <summary>Registry credentials could not be obtained on this machine.</summary>
    CredentialsFailed,

    /// <summary>The context could not be read or sent.</summary>
    ContextFailed,

    /// <summary>The request is invalid or names something that does not exist; nothing was sent.</summary>
    InvalidRequest,

    /// <summary>An output of the build could not be written on this machine.</summary>
    OutputFailed,

    /// <summary>The engine lacks a feature that the build needs.</summary>
    Unsupported,

    /// <summary>The engine does not allow an operation of the build.</summary>
    NotAllowed,

    /// <summary>The connection to the engine was lost.</summary>
    EngineLost,

    /// <summary>The engine's disk is full.</summary>
    EngineDiskFull,

    /// <summary>The build exceeded its time limit (<c>Timeout</c> of the request) and was stopped.</summary>
    TimedOut,

    /// <summary>A step requires a secret that the build was not given.</summary>
    SecretMissing,

    /// <summary>The engine cannot reach a git repository or an address that the build fetches.</summary>
    SourceUnavailable,

    /// <summary>A repository, branch, tag, commit, directory or file that the build fetches does not exist.</summary>
    SourceNotFound,

    /// <summary>A server requires credentials for a repository or an address, or refuses them.</summary>
    SourceDenied,

    /// <summary>What the engine fetched has another checksum than the Dockerfile or the address requires.</summary>
    SourceChanged,

    /// <summary>Another build of the set, whose result this one uses, has not been built.</summary>
    DependencyFailed,
}

/// <summary>A source line near a failure.</summary>
/// <param name="Number">The line number, from 1.</param>
/// <param name="Text">The text of the line.</param>
/// <param name="IsCause">True for the line of the failure, false for its neighbors.</param>
public sealed record SourceLine(int Number, string Text, bool IsCause)
{
    /// <summary>The line number, from 1.</summary>
    public int Number { get; init; } = Number;

    /// <summary>The text of the line.</summary>
    public string Text { get; init => field = TerminalText.Line(value); } = TerminalText.Line(Text);

    /// <summary>True for the line of the failure, false for its neighbors.</summary>
    public bool IsCause { get; init; } = IsCause;
}

/// <summary>A failed build, with the details that the engine reported.</summary>
public sealed class ImageBuildException : Exception
{
    internal ImageBuildException(BuildFailureKind kind, string message, Exception? inner)
        : base(TerminalText.Plain(message), TerminalText.Plain(inner)) => Kind = kind;

    /// <summary>The kind of the failure.</summary>
    public BuildFailureKind Kind { get; }

    /// <summary>The name of the failed step; null when no step failed.</summary>
    public string? StepName { get; init => field = TerminalText.Name(value); }

    /// <summary>The exit code of the failed command; null when no command ran.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The source file of the failure; null when not known.</summary>
    public string? File { get; init => field = TerminalText.Name(value); }

    /// <summary>The first line of the failure in that file, from 1; null when not known.</summary>
    public int? Line { get; init; }

    /// <summary>The lines around that line.</summary>
    public IReadOnlyList<SourceLine> SourceLines { get; init; } = [];

    /// <summary>The last output lines of the failed step.</summary>
    public IReadOnlyList<string> LogTail { get; init; } = [];

    /// <summary>The missing file as the daemon names it; for <see cref="BuildFailureKind.FileNotInContext"/>.</summary>
    public string? MissingFile { get; init => field = TerminalText.Name(value); }

    /// <summary>The build of the set that this one uses; for <see cref="BuildFailureKind.DependencyFailed"/>.</summary>
    public string? Dependency { get; init => field = TerminalText.Name(value); }

    /// <summary>What this client found out about the cause, such as the ignore rule that excluded a file; null when there is nothing.</summary>
    public string? Hint { get; init => field = value is null ? null : TerminalText.Plain(value); }

    /// <summary>The engine's address.</summary>
    public required string Address { get; init; }

    /// <summary>The build's reference in the engine's history.</summary>
    public required string Ref { get; init; }

    /// <summary>All steps reported so far.</summary>
    public IReadOnlyList<BuildStep> Steps { get; init; } = [];

    /// <summary>This failure with the message of a local error in outputs, caches or credentials, which the engine only repeats.</summary>
    internal ImageBuildException Because(Exception own) => Kind is BuildFailureKind.StepFailed or BuildFailureKind.EngineLost or BuildFailureKind.TimedOut
        ? this
        : new ImageBuildException(own is RegistryCredentialException ? BuildFailureKind.CredentialsFailed : BuildFailureKind.OutputFailed, own.Message, this)
        {
            Address = Address,
            Ref = Ref,
            Steps = Steps,
        };

    internal ImageBuildException WithHint(string hint) => new(Kind, Message, InnerException)
    {
        StepName = StepName,
        ExitCode = ExitCode,
        File = File,
        Line = Line,
        SourceLines = SourceLines,
        LogTail = LogTail,
        MissingFile = MissingFile,
        Dependency = Dependency,
        Hint = Hint is null ? hint : $"{Hint} {hint}",
        Address = Address,
        Ref = Ref,
        Steps = Steps,
    };
}
