using System.Text;
using System.Text.RegularExpressions;
using Grpc.Core;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// Creates an <see cref="ImageBuildException"/> from the error of Solve and the build model. BuildKit reports the location of a failure in
/// typed details of the status (solver/errdefs). It reports the kind only as text, which is matched here.
/// </summary>
internal static partial class BuildFailure
{
    private const int LinesAround = 3;

    // An engine repeats a whole Dockerfile line or a whole command in its message.
    private const int LongestMessage = 2000;
    private const int LongestName = 300;
    private const int LongestLine = 300;

    // The limit of Go's line scanner (bufio.MaxScanTokenSize), and so of the parser that uses it.
    private const int LongestDockerfileLine = 65535;

    // The message of engines whose protocol buffers validate strings, such as Docker Engine 28; BuildKit's own releases accept any bytes.
    internal const string InvalidName = "string field contains invalid UTF-8";

    /// <summary>The error of a call or of its connection. An engine that answered before and now refuses connections counts as lost.</summary>
    public static RpcException Lost(Exception e) => e as RpcException ?? CallErrors.Create(StatusCode.Unavailable, e.Message, e);

    public static ImageBuildException From(
        RpcException error, BuildModel model, string engine, string buildReference, Exception? contextFailure, ImageBuildRequest? build, DockerfileContent? dockerfile = null)
    {
        BuildKitErrorDetails details = BuildKitErrorDetails.From(error);
        string text = error.Status.Detail;
        BuildStep? step = (details.VertexDigest is { } digest ? model.Find(digest) : null) ?? model.FailedStep;
        BuildFailureKind kind = BuildFailureClassifier.KindOf(error.Status, text, details, step, build, dockerfile);
        if (contextFailure is not null && kind is not (BuildFailureKind.EngineLost or BuildFailureKind.StepFailed))
        {
            kind = BuildFailureKind.ContextFailed;
        }

        ErrorSource? source = details.Sources.Count > 0 ? details.Sources[0] : null;
        string? missing = kind == BuildFailureKind.FileNotInContext ? MissingFileOf(text, source) : null;
        source = Has(text, BuildFailureClassifier.LongLine) ? PointToLongLine(source) : source;
        int? line = source?.Ranges.Count > 0 ? source.Ranges.Min(static r => r.StartLine) : null;
        if (build is not null && BuildContext.FindBadRule(build, dockerfile, kind, text, contextFailure) is { } rule)
        {
            return new ImageBuildException(BuildFailureKind.ContextFailed, $"The build context could not be sent: {rule.Message}", error)
            {
                Address = engine,
                Ref = buildReference,
                File = rule.File,
                Line = rule.Line,
                Steps = model.Steps,
            };
        }

        return new ImageBuildException(kind, TerminalText.Bounded(MessageOf(kind, text, step, contextFailure, missing, build), LongestMessage), error)
        {
            Address = engine,
            Ref = buildReference,
            StepName = step?.Name,
            ExitCode = details.ExitCode is { } code ? (int)code : ExitCodeIn(text),
            File = source?.FileName is { Length: > 0 } file ? file : null,
            Line = line,
            SourceLines = source is null ? [] : LinesOf(source, LongestLine),
            // The message has git's own words already.
            LogTail = step is null || IsSource(kind) ? [] : [.. step.GetLogLines()],
            MissingFile = missing,
            Hint = missing is null || build is null || IsFromElsewhere(source) ? null : BuildContext.Explain(build, dockerfile, missing),
            Steps = model.Steps,
        };
    }

    private static string MessageOf(BuildFailureKind kind, string text, BuildStep? step, Exception? contextFailure, string? missing, ImageBuildRequest? build)
    {
        // The daemon adds a prefix per layer ("failed to solve: process … did not complete successfully: exit code: 1").
        string cause = text.StartsWith("failed to solve: ", StringComparison.Ordinal) ? text["failed to solve: ".Length..] : text;
        return kind switch
        {
            BuildFailureKind.FileNotInContext when missing is not null && step is not null => $"{TerminalText.Bounded(step.Name, LongestName)}: '{missing}' was not found.",
            BuildFailureKind.FileNotInContext when SourceFailure.MissingDockerfile(text) is { } dockerfile => SourceFailure.DescribeDockerfile(dockerfile, build),
            BuildFailureKind.StepFailed when step is not null => $"{TerminalText.Bounded(step.Name, LongestName)}: {TerminalText.Bounded(cause, LongestMessage / 2)}",
            _ when IsSource(kind) => SourceFailure.Describe(cause, step, build),
            BuildFailureKind.EngineLost => $"The connection to the engine was lost: {cause}",
            BuildFailureKind.ContextFailed when contextFailure is not null => $"The build context could not be sent: {contextFailure.Message}",
            BuildFailureKind.ContextFailed when Has(text, InvalidName) =>
                "The context directory has a file whose name is not valid UTF-8, which this engine does not support. Rename the file, or exclude it with a rule in .dockerignore.",
            _ => cause,
        };
    }

    private static bool IsSource(BuildFailureKind kind) =>
        kind is BuildFailureKind.SourceUnavailable or BuildFailureKind.SourceNotFound or BuildFailureKind.SourceDenied or BuildFailureKind.SourceChanged;

    /// <summary>The source with its first line that is too long for engines, which themselves report another line.</summary>
    private static ErrorSource? PointToLongLine(ErrorSource? source)
    {
        int number = 1;
        ReadOnlySpan<byte> rest = source is null ? [] : source.Data.Span;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'\n');
            if ((end < 0 ? rest.Length : end) > LongestDockerfileLine)
            {
                return source! with { Ranges = [new SourceRange(number, 0, number, 0)] };
            }

            number++;
            rest = end < 0 ? [] : rest[(end + 1)..];
        }

        return source;
    }

    private static bool Has(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);

    internal static int? ExitCodeIn(string text)
        => ExitCode().Match(text) is { Success: true } match && int.TryParse(match.Groups[1].ValueSpan, out int code) ? code : null;

    private static string? MissingFileOf(string text, ErrorSource? source)
    {
        string? missing = MissingFile.In(text);
        if (missing is null || MissingFile.IsQuotedIn(text) || source is null)
        {
            return missing;
        }

        // A daemon that did not reach the file names only a directory above it; the instruction has the rest of the path.
        return LinesOf(source).Where(static l => l.IsCause).SelectMany(static l => l.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Select(static word => "/" + (word.StartsWith("./", StringComparison.Ordinal) ? word[2..] : word.TrimStart('/')))
            .FirstOrDefault(path => path.StartsWith(missing + "/", StringComparison.Ordinal) || IsInPlaceOfDaemons(missing, path)) ?? missing;
    }

    /// <summary>Whether a path that was not found is the directory of a source at its place in the daemon: BuildKit 0.13 and older report that.</summary>
    private static bool IsInPlaceOfDaemons(string missing, string path) =>
        path.LastIndexOf('/') is > 0 and var slash && path.AsSpan(slash).ContainsAny('*', '?', '[') && missing.EndsWith(path[..slash], StringComparison.Ordinal);

    /// <summary>True when the line copies from a stage or an image instead of the context.</summary>
    private static bool IsFromElsewhere(ErrorSource? source)
        => source is not null && LinesOf(source).Any(static l => l.IsCause && Has(l.Text, "--from="));

    private static List<SourceLine> LinesOf(ErrorSource source, int longest = int.MaxValue)
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
            result.Add(new SourceLine(number, TerminalText.Bounded(lines[number - 1], longest), cause));
        }

        // The last line end of a file produces an empty line here that no editor shows.
        if (result.Count > 0 && result[^1] is { Text.Length: 0, IsCause: false })
        {
            result.RemoveAt(result.Count - 1);
        }

        return result;
    }

    [GeneratedRegex(@"did not complete successfully: exit code: (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex ExitCode();
}
