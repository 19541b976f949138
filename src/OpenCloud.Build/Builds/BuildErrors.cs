using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Builds;

/// <summary>Converts failed builds to errors of the catalog.</summary>
internal static partial class BuildErrors
{
    private const int LinesShown = 10;
    private const int LongestLine = 1000;

    /// <summary>Reports what failed and where, the source lines around it, and the last output of the step.</summary>
    public static BuildErrorException From(ImageBuildException failure, CheckedBuild build)
    {
        ErrorEntry entry = failure.Kind switch
        {
            BuildFailureKind.StepFailed => ErrorCatalog.BuildStepFailed,
            BuildFailureKind.DockerfileInvalid => ErrorCatalog.DockerfileRejected,
            BuildFailureKind.TargetNotFound => ErrorCatalog.TargetRejected,
            BuildFailureKind.FileNotInContext => ErrorCatalog.FileNotInContext,
            BuildFailureKind.BaseImageUnavailable => ErrorCatalog.BaseImageUnavailable,
            BuildFailureKind.FrontendUnavailable => ErrorCatalog.FrontendUnavailable,
            BuildFailureKind.ScannerUnavailable => ErrorCatalog.ScannerUnavailable,
            BuildFailureKind.PushFailed => ErrorCatalog.PushFailed,
            BuildFailureKind.CacheExportFailed => ErrorCatalog.CacheNotExported,
            BuildFailureKind.CredentialsFailed => ErrorCatalog.CredentialsNotFound,
            BuildFailureKind.ContextFailed => ErrorCatalog.ContextNotSent,
            BuildFailureKind.Unsupported => ErrorCatalog.NotSupportedByEngine,
            BuildFailureKind.NotAllowed => ErrorCatalog.NotAllowedByEngine,
            BuildFailureKind.InvalidRequest or BuildFailureKind.DependencyFailed => ErrorCatalog.BuildRefused,
            BuildFailureKind.OutputFailed => ErrorCatalog.OutputNotWritten,
            BuildFailureKind.EngineDiskFull => ErrorCatalog.EngineDiskFull,
            BuildFailureKind.EngineLost => ErrorCatalog.EngineLost,
            BuildFailureKind.TimedOut => ErrorCatalog.BuildTimedOut,
            BuildFailureKind.SourceUnavailable => ErrorCatalog.SourceUnavailable,
            BuildFailureKind.SourceNotFound => ErrorCatalog.SourceNotFound,
            BuildFailureKind.SourceDenied => ErrorCatalog.SourceDenied,
            BuildFailureKind.SourceChanged => ErrorCatalog.SourceChanged,
            BuildFailureKind.SecretMissing => ErrorCatalog.SecretMissing,
            _ => ErrorCatalog.BuildFailed,
        };
        return entry.ToException(build.Request.ContextPath, failure, Excerpt(failure) is { } excerpt ? CiHost.Neutral(excerpt) : null, [CiHost.Neutral(Describe(failure)), failure.Address, SecretIn(failure.Message)]);
    }

    /// <summary>Whether an exception is about an input of a build on this machine, which the engine has no part in.</summary>
    public static bool IsOfInput(Exception exception) =>
        exception is (IOException and not EngineConnectException) or InvalidDataException or FormatException or UnauthorizedAccessException;

    /// <summary>Reports an input that cannot be used.</summary>
    public static BuildErrorException OfInput(Exception exception, CheckedBuild build) =>
        ErrorCatalog.InvalidContext.ToException(build.Request.ContextPath, exception, build.Request.ContextPath, exception.Message);

    private static string SecretIn(string message) => Secret().Match(message) is { Success: true } match ? match.Groups[1].Value : "NAME";

    [GeneratedRegex(@"\bsecret ([^\s:']+): not found", RegexOptions.CultureInvariant)]
    private static partial Regex Secret();

    private static string Describe(ImageBuildException failure)
    {
        string said = NamesItsEngine(failure) ? failure.Message : $"The engine {failure.Address} does not support this: {failure.Message}";
        string text = failure.Hint is null ? said : $"{said} {failure.Hint}";
        return failure.File is null || failure.Line is not { } line ? text : string.Create(CultureInfo.InvariantCulture, $"{text} ({failure.File}:{line})");
    }

    private static string? Excerpt(ImageBuildException failure)
    {
        StringBuilder text = new();
        if (failure.File is not null && failure.Line is { } line)
        {
            text.Append(CultureInfo.InvariantCulture, $"{failure.File}:{line}");
            foreach (SourceLine source in failure.SourceLines)
            {
                text.Append('\n').Append(CultureInfo.InvariantCulture, $"{(source.IsCause ? '>' : ' ')} {source.Number,4} | {Shown(source.Text)}");
            }
        }

        if (failure.LogTail.Count > 0)
        {
            text.Append(text.Length > 0 ? "\n" : string.Empty).Append("Last output of the step:");
            foreach (string logged in failure.LogTail.TakeLast(LinesShown))
            {
                text.Append("\n  ").Append(Shown(logged));
            }
        }

        return text.Length > 0 ? text.ToString() : null;
    }

    // An engine's own message about a missing feature does not name the engine.
    private static bool NamesItsEngine(ImageBuildException failure)
        => failure.Kind != BuildFailureKind.Unsupported || failure.Message.Contains(failure.Address, StringComparison.Ordinal);

    private static string Shown(string line) => TerminalText.Line(TerminalText.Bounded(line, LongestLine)).Replace("\t", "    ", StringComparison.Ordinal);
}
