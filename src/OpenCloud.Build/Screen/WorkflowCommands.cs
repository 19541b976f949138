using System.Globalization;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Screen;

/// <summary>The commands that a CI host reads from a program's output.</summary>
/// <remarks>
/// GitHub Actions: a line that begins with <c>::</c>, or has <c>##[</c> anywhere (actions/runner, ActionCommand.cs); data escapes %, CR and LF,
/// properties : and , as well (actions/toolkit, command.ts). Azure Pipelines: <c>##vso[</c> anywhere and <c>##[</c> (microsoft/azure-pipelines-agent,
/// Command.cs); % becomes %AZP25, and properties escape ; and ] as well (azure-pipelines-task-lib, taskcommand.ts).
/// </remarks>
internal static partial class WorkflowCommands
{
    /// <summary>Whether a CI host reads this process's output.</summary>
    public static bool AreRead => ReaderIn(Environment.GetEnvironmentVariable) != DisplayKind.None;

    /// <summary>The form that the CI host of an environment reads; None where there is no such host.</summary>
    public static DisplayKind ReaderIn(Func<string, string?> environment) => IsTrue(environment("GITHUB_ACTIONS")) ? DisplayKind.GitHub
        : IsTrue(environment("TF_BUILD")) ? DisplayKind.AzurePipelines
        : DisplayKind.None;

    public static bool IsTrue(string? value) => string.Equals(value, "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Breaks up everything that a CI host would run as a command.</summary>
    public static string Neutral(string text) => Leading().Replace(Anywhere().Replace(text, "# #"), "$1: :");

    public static string GitHub(string command, string message, string? file, int? line)
    {
        List<string> properties = [];
        if (file is not null)
        {
            properties.Add($"file={GitHubProperty(file)}");
            if (line is { } number)
            {
                properties.Add(string.Create(CultureInfo.InvariantCulture, $"line={number}"));
            }
        }

        return $"::{command}{(properties.Count > 0 ? " " : string.Empty)}{string.Join(',', properties)}::{GitHubData(message)}";
    }

    public static string Azure(string type, string message, string? file, int? line)
    {
        string place = file is null ? string.Empty : $"sourcepath={AzureProperty(file)};";
        place += file is not null && line is { } number ? string.Create(CultureInfo.InvariantCulture, $"linenumber={number};") : string.Empty;
        return $"##vso[task.logissue type={type};{place}]{AzureData(message)}";
    }

    public static string AzureUploadSummary(string file) => $"##vso[task.uploadsummary]{AzureData(file)}";

    public static string GitHubData(string text) =>
        Anywhere().Replace(text, "# #").Replace("%", "%25", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal);

    private static string GitHubProperty(string text) =>
        GitHubData(text).Replace(":", "%3A", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal);

    private static string AzureData(string text) =>
        Anywhere().Replace(text, "# #").Replace("%", "%AZP25", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal);

    private static string AzureProperty(string text) =>
        AzureData(text).Replace(";", "%3B", StringComparison.Ordinal).Replace("]", "%5D", StringComparison.Ordinal);

    [GeneratedRegex(@"##(?=\[|vso\[)", RegexOptions.IgnoreCase)]
    private static partial Regex Anywhere();

    [GeneratedRegex(@"^(\s*)::", RegexOptions.Multiline)]
    private static partial Regex Leading();
}
