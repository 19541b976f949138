using System.Globalization;
using System.Text;
using OpenCloud.Build.Client.BuildKit;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Building;

/// <summary>Makes errors of the catalogue out of builds that failed.</summary>
internal static class BuildErrors
{
    private const int LinesShown = 10;

    /// <summary>The error for a failed build: what failed and where, the lines around it, and what the step wrote last.</summary>
    public static BuildErrorException From(ImageBuildException failure, CheckedBuild build)
    {
        ErrorEntry entry = failure.Kind switch
        {
            BuildFailureKind.StepFailed => ErrorCatalog.BuildStepFailed,
            BuildFailureKind.DockerfileInvalid => ErrorCatalog.DockerfileRejected,
            BuildFailureKind.TargetNotFound => ErrorCatalog.TargetRejected,
            BuildFailureKind.FileNotInContext => ErrorCatalog.FileNotInContext,
            BuildFailureKind.BaseImageUnavailable => ErrorCatalog.BaseImageUnavailable,
            BuildFailureKind.ContextFailed => ErrorCatalog.ContextNotSent,
            BuildFailureKind.Unsupported => ErrorCatalog.NotSupportedByEngine,
            BuildFailureKind.NotAllowed => ErrorCatalog.NotAllowedByEngine,
            BuildFailureKind.InvalidRequest => ErrorCatalog.BuildRefused,
            BuildFailureKind.OutputFailed => ErrorCatalog.OutputNotWritten,
            BuildFailureKind.EngineLost => ErrorCatalog.EngineLost,
            _ => ErrorCatalog.BuildFailed,
        };
        return entry.ToException(build.Request.ContextPath, failure, Describe(failure), failure.Engine);
    }

    private static string Describe(ImageBuildException failure)
    {
        StringBuilder text = new(failure.Message);
        if (failure.Hint is not null)
        {
            text.Append('\n').Append(failure.Hint);
        }

        if (failure.File is not null && failure.Line is { } line)
        {
            text.Append('\n').Append(CultureInfo.InvariantCulture, $"{failure.File}:{line}");
            foreach (SourceLine source in failure.SourceLines)
            {
                text.Append('\n').Append(CultureInfo.InvariantCulture, $"{(source.IsCause ? '>' : ' ')} {source.Number,4} | {Plain(source.Text)}");
            }
        }

        if (failure.LogTail.Count > 0)
        {
            text.Append("\nThe last that the step wrote:");
            foreach (string logged in failure.LogTail.TakeLast(LinesShown))
            {
                text.Append("\n  ").Append(Plain(logged));
            }
        }

        return text.ToString();
    }

    /// <summary>Without control characters: a step's output must not steer the terminal from an error message.</summary>
    private static string Plain(string line)
        => line.Any(char.IsControl) ? string.Concat(line.Select(static c => c == '\t' ? "    " : char.IsControl(c) ? "\uFFFD" : c.ToString())) : line;
}
