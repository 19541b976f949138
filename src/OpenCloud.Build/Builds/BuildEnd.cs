using System.Globalization;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Pipeline;
using OpenCloud.Build.Screen;

namespace OpenCloud.Build.Builds;

/// <summary>Reports the end of a build: the summary that stays on the screen, the end of the log, and the job summary of a CI host.</summary>
internal static class BuildEnd
{
    private const int DigestLength = 19;

    public static void Report(CheckedBuild build, ImageBuildResult result, IPipelinePoster poster)
    {
        int warnings = result.Warnings.Count;
        List<string> facts = [string.Create(CultureInfo.InvariantCulture, $"{result.StepCount} steps, {result.CachedCount} cached")];
        if (warnings > 0)
        {
            facts.Add(string.Create(CultureInfo.InvariantCulture, $"{warnings} warning{(warnings == 1 ? string.Empty : "s")}"));
        }

        if (result.Digest is { } digest)
        {
            facts.Add(digest.Length > DigestLength ? digest[..DigestLength] : digest);
        }

        ScreenTheme theme = build.Reporting.Theme;
        string text = $"{Name(build)} built in {Amounts.Time(result.Duration)}: {string.Join(", ", facts)}";
        Post(build, new BuildOutcome($"{theme.Paint(theme.Mark(StepState.Done), ScreenTheme.Green)} {text}"), poster);
        JobSummary.Write(build.Reporting.Kind, JobSummary.Of(Name(build), result), poster);
    }

    public static void Report(CheckedBuild build, ImageBuildException failure, TimeSpan duration, IPipelinePoster poster)
    {
        BuildStep? step = failure.Steps.FirstOrDefault(static s => s.Error is not null && !s.IsCancelled);
        string where = step is null ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" at step #{step.Number}");
        ScreenTheme theme = build.Reporting.Theme;
        string text = $"{Name(build)} failed after {Amounts.Time(duration)}{where}";
        BuildOutcome outcome = new($"{theme.Paint(theme.Mark(StepState.Failed), ScreenTheme.Red)} {text}")
        {
            Error = TerminalText.Plain(failure.Message),
            File = CiHost.PathOf(failure.File, build.Request),
            Line = failure.Line,
        };
        Post(build, outcome, poster);
        JobSummary.Write(build.Reporting.Kind, JobSummary.Of(Name(build), failure, duration), poster);
    }

    private static void Post(CheckedBuild build, BuildOutcome outcome, IPipelinePoster poster)
    {
        IReadOnlyList<string> lines = build.Reporting.Log?.End(build.Reporting.NameOf(build.ShortName), outcome)
            ?? (build.Reporting.Kind == DisplayKind.Screen ? [outcome.Summary] : []);
        foreach (string line in lines)
        {
            poster.Information(line, build.Reporting.IsShown);
        }
    }

    private static string Name(CheckedBuild build) => TerminalText.Line(build.ShortName);
}
