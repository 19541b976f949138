using System.Globalization;
using System.Text;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Linux;
using OpenCloud.Build.Pipeline;
using OpenCloud.Build.Screen;

namespace OpenCloud.Build.Builds;

/// <summary>One build's part of a CI job's summary, in Markdown.</summary>
internal static class JobSummary
{
    private const string Special = @"\`*_{}[]()#+-.!|~<>&";

    public static string Of(string name, ImageBuildResult result)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"### ✅ {Escape(name)}\n\n| Duration | Steps | Cached | Warnings | Digest |\n| --- | --- | --- | --- | --- |\n");
        text.Append(CultureInfo.InvariantCulture, $"| {Amounts.Time(result.Duration)} | {result.StepCount} | {result.CachedCount} | {result.Warnings.Count} | {Escape(result.Digest ?? string.Empty)} |\n\n");
        foreach (string warning in result.Warnings.Select(static w => w.ToString()))
        {
            text.Append(CultureInfo.InvariantCulture, $"- ⚠️ {Escape(warning)}\n");
        }

        return text.Append('\n').ToString();
    }

    public static string Of(string name, ImageBuildException failure, TimeSpan duration)
    {
        string where = failure.File is { } file && failure.Line is { } line ? string.Create(CultureInfo.InvariantCulture, $" ({file}:{line})") : string.Empty;
        return $"### ❌ {Escape(name)}\n\nFailed after {Amounts.Time(duration)}: {Escape(failure.Message + where)}\n\n";
    }

    /// <summary>Adds the part to the job's summary. A failure causes a warning.</summary>
    public static void Write(DisplayKind kind, string markdown, IPipelinePoster poster)
    {
        try
        {
            if (kind == DisplayKind.GitHub && Environment.GetEnvironmentVariable("GITHUB_STEP_SUMMARY") is { Length: > 0 } file)
            {
                using FileStream stream = OwnFile.Open(file, OutputPlace.UsualMode);
                stream.Seek(0, SeekOrigin.End);
                stream.Write(Encoding.UTF8.GetBytes(markdown));
            }
            else if (kind == DisplayKind.AzurePipelines && Environment.GetEnvironmentVariable("AGENT_TEMPDIRECTORY") is { Length: > 0 } folder)
            {
                // The agent uploads the file after the step, and empties this folder after the job.
                string path = Path.Join(folder, $"build-summary-{Guid.NewGuid():N}.md");
                OutputPlace.Of(path).Write(markdown);
                poster.Information(WorkflowCommands.AzureUploadSummary(path), isShown: true);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            poster.Warning($"The job summary cannot be written: {exception.Message}");
        }
    }

    private static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char c in text)
        {
            escaped.Append(c is '\n' or '\r' ? " " : Special.Contains(c, StringComparison.Ordinal) ? c == '<' ? "&lt;" : c == '&' ? "&amp;" : $"\\{c}" : c.ToString());
        }

        return escaped.ToString();
    }
}
