using System.Text;
using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Grpc;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>
/// Makes an <see cref="ImageBuildException"/> of what Solve answered and what the model saw. BuildKit tells where a failure lies in typed
/// details of the status (solver/errdefs); what kind it is it tells only in words, so those are matched here and nowhere else.
/// </summary>
internal static partial class BuildFailure
{
    private const int LinesAround = 3;

    // What an engine says whose protocol buffers check strings, such as Docker Engine 28's; BuildKit's own releases take any bytes.
    private const string InvalidName = "string field contains invalid UTF-8";

    /// <summary>The error of a call, or of a connection for it: an engine that answered a moment ago and lets nobody in now was lost.</summary>
    public static GrpcException Lost(Exception e) => e as GrpcException ?? new GrpcException(new GrpcStatus(GrpcStatusCode.Unavailable, e.Message), [], e);

    /// <summary>Makes the exception.</summary>
    /// <param name="error">What the call to Solve ended with.</param>
    /// <param name="model">What Status told until then.</param>
    /// <param name="engine">The engine's address.</param>
    /// <param name="buildReference">The build's reference.</param>
    /// <param name="contextFailure">What went wrong while the context was sent; null when nothing did.</param>
    /// <param name="hint">Finds out more about a file the daemon did not find; null when nobody can.</param>
    public static ImageBuildException From(
        GrpcException error, BuildModel model, string engine, string buildReference, Exception? contextFailure, Func<string, string?>? hint)
    {
        BuildKitErrorDetails details = BuildKitErrorDetails.From(error);
        string text = error.Status.Message;
        BuildStep? step = (details.VertexDigest is { } digest ? model.Find(digest) : null) ?? model.FailedStep;
        BuildFailureKind kind = KindOf(error.Status, text, details);
        if (contextFailure is not null && kind is not (BuildFailureKind.EngineLost or BuildFailureKind.StepFailed))
        {
            kind = BuildFailureKind.ContextFailed;
        }

        ErrorSource? source = details.Sources.Count > 0 ? details.Sources[0] : null;
        string? missing = kind == BuildFailureKind.FileNotInContext ? MissingFileOf(text, source) : null;
        int? line = source?.Ranges.Count > 0 ? source.Ranges.Min(static r => r.StartLine) : null;
        return new ImageBuildException(kind, MessageOf(kind, text, step, contextFailure, missing), error)
        {
            Engine = engine,
            BuildRef = buildReference,
            StepName = step?.Name,
            ExitCode = details.ExitCode is { } code ? (int)code : ExitCodeIn(text),
            File = source?.FileName is { Length: > 0 } file ? file : null,
            Line = line,
            SourceLines = source is null ? [] : LinesOf(source),
            LogTail = step is null ? [] : [.. step.LogTail],
            MissingFile = missing,
            Hint = missing is null || IsFromElsewhere(source) ? null : hint?.Invoke(missing),
            Steps = model.Steps,
        };
    }

    private static BuildFailureKind KindOf(GrpcStatus status, string text, BuildKitErrorDetails details)
    {
        if (status.Code == GrpcStatusCode.Unavailable)
        {
            return BuildFailureKind.EngineLost;
        }

        if (details.ExitCode is not null || ExitCodeIn(text) is not null)
        {
            return BuildFailureKind.StepFailed;
        }

        if (Has(text, "target stage") && Has(text, "could not be found"))
        {
            return BuildFailureKind.TargetNotFound;
        }

        if (MissingFileIn(text) is not null)
        {
            return BuildFailureKind.FileNotInContext;
        }

        // Before what was refused: a policy's word comes wrapped in the trouble it made.
        if (Has(text, "denied by policy") || Has(text, "not allowed by policy"))
        {
            return BuildFailureKind.NotAllowed;
        }

        if (Has(text, "failed to resolve source metadata") || Has(text, "pull access denied") || Has(text, "failed to do request"))
        {
            return BuildFailureKind.BaseImageUnavailable;
        }

        if (Has(text, "dockerfile parse error") || Has(text, "failed to parse stage name") || Has(text, "unknown instruction")
            || Has(text, "failed to create LLB definition") || Has(text, "no build stage in current context") || Has(text, "file with no instructions")
            || Has(text, "the Dockerfile cannot be empty"))
        {
            return BuildFailureKind.DockerfileInvalid;
        }

        if (status.Code == GrpcStatusCode.PermissionDenied || Has(text, "is not allowed"))
        {
            return BuildFailureKind.NotAllowed;
        }

        if (status.Code == GrpcStatusCode.Unimplemented || (Has(text, "exporter") && Has(text, "could not be found")))
        {
            return BuildFailureKind.Unsupported;
        }

        if (Has(text, "error from sender") || Has(text, InvalidName) || Has(text, "failed to read dockerfile") || Has(text, "no active session") || Has(text, "error from receiver"))
        {
            return BuildFailureKind.ContextFailed;
        }

        return BuildFailureKind.Other;
    }

    private static string MessageOf(BuildFailureKind kind, string text, BuildStep? step, Exception? contextFailure, string? missing)
    {
        // The daemon wraps its words once per layer ("failed to solve: process … did not complete successfully: exit code: 1").
        string cause = text.StartsWith("failed to solve: ", StringComparison.Ordinal) ? text["failed to solve: ".Length..] : text;
        return kind switch
        {
            BuildFailureKind.FileNotInContext when missing is not null && step is not null => $"{step.Name}: '{missing}' was not found.",
            BuildFailureKind.StepFailed when step is not null => $"{step.Name}: {cause}",
            BuildFailureKind.EngineLost => $"The connection to the engine was lost: {cause}",
            BuildFailureKind.ContextFailed when contextFailure is not null => $"The build context could not be sent: {contextFailure.Message}",
            BuildFailureKind.ContextFailed when Has(text, InvalidName) =>
                "The build's directory has a file whose name is not valid UTF-8, and this engine does not take such names: rename it, or leave it out with a rule in .dockerignore.",
            _ => cause,
        };
    }

    private static bool Has(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);

    private static int? ExitCodeIn(string text)
        => ExitCode().Match(text) is { Success: true } match && int.TryParse(match.Groups[1].ValueSpan, out int code) ? code : null;

    private static string? MissingFileIn(string text)
        => NotFound().Match(text) is { Success: true } match ? match.Groups[1].Value
            : NotWalked().Match(text) is { Success: true } walked ? walked.Groups[1].Value
            : null;

    private static string? MissingFileOf(string text, ErrorSource? source)
    {
        string? missing = MissingFileIn(text);
        if (missing is null || NotFound().IsMatch(text) || source is null)
        {
            return missing;
        }

        // A daemon that did not get as far as the file names only a directory above it; the instruction has the rest.
        return LinesOf(source).Where(static l => l.IsCause).SelectMany(static l => l.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Select(static word => "/" + (word.StartsWith("./", StringComparison.Ordinal) ? word[2..] : word.TrimStart('/')))
            .FirstOrDefault(path => path.StartsWith(missing + "/", StringComparison.Ordinal)) ?? missing;
    }

    /// <summary>True when the line copies from a stage or an image, of whose files the context knows nothing.</summary>
    private static bool IsFromElsewhere(ErrorSource? source)
        => source is not null && LinesOf(source).Any(static l => l.IsCause && Has(l.Text, "--from="));

    private static List<SourceLine> LinesOf(ErrorSource source)
    {
        if (source.Ranges.Count == 0 || source.Data.IsEmpty)
        {
            return [];
        }

        string[] lines = Encoding.UTF8.GetString(source.Data.Span).ReplaceLineEndings("\n").Split('\n');
        int first = Math.Max(1, source.Ranges.Min(static r => r.StartLine) - LinesAround);
        int last = Math.Min(lines.Length, source.Ranges.Max(static r => Math.Max(r.StartLine, r.EndLine)) + LinesAround);
        List<SourceLine> result = [];
        for (int number = first; number <= last; number++)
        {
            bool cause = source.Ranges.Any(r => r.StartLine <= number && number <= Math.Max(r.StartLine, r.EndLine));
            result.Add(new SourceLine(number, lines[number - 1], cause));
        }

        // A file's last line end makes an empty line here that no editor shows.
        if (result.Count > 0 && result[^1] is { Text.Length: 0, IsCause: false })
        {
            result.RemoveAt(result.Count - 1);
        }

        return result;
    }

    [GeneratedRegex(@"did not complete successfully: exit code: (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex ExitCode();

    // "failed to compute cache key: failed to calculate checksum of ref x::y: "/missing": not found", in older words
    // "failed to compute cache key: "/missing" not found: not found".
    [GeneratedRegex("failed to (?:compute cache key|calculate checksum)[^\"]*\"([^\"]+)\"(?:: | )not found", RegexOptions.CultureInvariant)]
    private static partial Regex NotFound();

    // "failed to calculate checksum of ref x::y: failed to walk /…/buildkit-mount123/conf: lstat …: no such file or directory"
    [GeneratedRegex("failed to calculate checksum.*: failed to walk \\S*?buildkit-mount\\d+(/[^:]+): .*no such file", RegexOptions.CultureInvariant)]
    private static partial Regex NotWalked();
}
