using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// A git repository or an HTTP address that the engine could not fetch: as the context, a named context, or a source of ADD. Its messages are in
/// moby/buildkit, source/git/source.go and source/http/source.go; git writes the reason itself.
/// </summary>
internal static partial class SourceFailure
{
    private const int LongestReason = 500;

    /// <summary>The kind; null when the text is about something else.</summary>
    public static BuildFailureKind? KindOf(string text) =>
        Checksum().IsMatch(text) ? BuildFailureKind.SourceChanged
        : !IsGit(text) && !Http().IsMatch(text) ? null
        : Denied().IsMatch(text) ? BuildFailureKind.SourceDenied
        : Missing().IsMatch(text) ? BuildFailureKind.SourceNotFound
        : BuildFailureKind.SourceUnavailable;

    /// <summary>What could not be fetched, and why.</summary>
    public static string Describe(string text, BuildStep? step, ImageBuildRequest? build)
    {
        string kind = IsGit(text) ? "the git repository" : "the address";
        string subject = Address(text, step, build) is { } address ? $"{kind} '{address}'" : $"{kind} of a source";
        return Checksum().Match(text) is { Success: true } sum
            ? $"The content of {subject} has the checksum {sum.Groups["is"].Value}, not {sum.Groups["wanted"].Value}."
            : $"The engine could not fetch {subject}: {TerminalText.Bounded(Reason(text), LongestReason)}";
    }

    /// <summary>The Dockerfile that a repository or an archive does not contain; null when the text is about something else.</summary>
    public static string? MissingDockerfile(string text) => NoDockerfile().Match(text) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>Which context has no Dockerfile.</summary>
    public static string DescribeDockerfile(string dockerfile, ImageBuildRequest? build)
    {
        string? context = build is null || !ContextLocation.IsAddress(build.ContextPath) ? build?.ContextPath : GitSource.WithoutCredentials(build.ContextPath);
        return $"The context{(context is null ? string.Empty : $" '{context}'")} does not contain the Dockerfile '{dockerfile}'.";
    }

    private static bool IsGit(string text) => Git().IsMatch(text);

    private static string Reason(string text)
    {
        if (Fatal().Matches(text) is { Count: > 0 } fatal)
        {
            return fatal[^1].Groups[1].Value.TrimEnd(':', ' ');
        }

        return Reference().Match(text) is { Success: true } reference ? $"it does not contain the branch, tag or commit '{reference.Groups[1].Value}'."
            : Directory().Match(text) is { Success: true } directory ? $"it does not contain the directory '{directory.Groups[1].Value}'."
            : Key().Match(text) is { Success: true } key ? $"it requires an SSH key, and the build has no SSH agent with the name '{key.Groups[1].Value}'."
            : Status().Match(text) is { Success: true } status ? $"the server answered with status {status.Groups[1].Value}."
            : Request().Match(text) is { Success: true } request ? request.Groups[2].Value
            : text;
    }

    // Without its user and query, which may be secrets.
    private static string? Address(string text, BuildStep? step, ImageBuildRequest? build)
    {
        string? address = Repository().Match(text) is { Success: true } repository ? repository.Groups[1].Value
            : Request().Match(text) is { Success: true } request ? request.Groups[1].Value
            : InName().Match(step?.Name ?? string.Empty) is { Success: true } named ? named.Value
            : build is not null && ContextLocation.IsAddress(build.ContextPath) ? build.ContextPath
            : null;
        return address is null ? null : GitSource.WithoutCredentials(address);
    }

    [GeneratedRegex(@"\bgit stderr:|error fetching default branch for repository|failed to fetch remote |failed to checkout remote |repository does not contain ref |invalid subdir |failed to open subdir |no SSH key "".*"" forwarded", RegexOptions.CultureInvariant)]
    private static partial Regex Git();

    [GeneratedRegex(@"\binvalid response status \d|(?:\A|: )(?:Get|Head) ""https?://", RegexOptions.CultureInvariant)]
    private static partial Regex Http();

    [GeneratedRegex(@"could not read (?:Username|Password)|Authentication failed|Permission denied|Host key verification failed|returned error: 40[13]|response status 40[13]|no SSH key "".*"" forwarded", RegexOptions.CultureInvariant)]
    private static partial Regex Denied();

    [GeneratedRegex(@"does not contain ref |is not a tree|couldn't find remote ref|not our ref|(?:invalid|open) subdir |' not found|[Rr]epository not (?:found|exported)|does not appear to be a git repository|response status (?:404|410)|returned error: (?:404|410)", RegexOptions.CultureInvariant)]
    private static partial Regex Missing();

    [GeneratedRegex(@"\bdigest mismatch (?<is>\S+): (?<wanted>\S+)|\bexpected checksum to match (?<wanted>[^\s,]+), got (?<is>\S+)", RegexOptions.CultureInvariant)]
    private static partial Regex Checksum();

    [GeneratedRegex(@"^(?:fatal|ERROR): (.+)$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Fatal();

    [GeneratedRegex(@"repository does not contain ref ([^\s,]+)", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();

    [GeneratedRegex(@"(?:invalid|open) subdir ([^\s:]+)", RegexOptions.CultureInvariant)]
    private static partial Regex Directory();

    [GeneratedRegex(@"no SSH key ""([^""]*)"" forwarded", RegexOptions.CultureInvariant)]
    private static partial Regex Key();

    [GeneratedRegex(@"invalid response status (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex Status();

    [GeneratedRegex(@"\b(?:Get|Head) ""(https?://[^""\s]+)"": (.+)", RegexOptions.CultureInvariant)]
    private static partial Regex Request();

    [GeneratedRegex(@"(?:for repository|fetch remote|checkout remote) (\S+?):? ", RegexOptions.CultureInvariant)]
    private static partial Regex Repository();

    [GeneratedRegex(@"failed to read dockerfile: open ([^:]+): no such file or directory\z", RegexOptions.CultureInvariant)]
    private static partial Regex NoDockerfile();

    [GeneratedRegex(@"\b(?:https?|git|ssh)://\S+", RegexOptions.CultureInvariant)]
    private static partial Regex InName();
}
