using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>A finding of a build check.</summary>
/// <param name="Rule">The rule's name, such as <c>StageNameCasing</c>.</param>
/// <param name="Description">A description of the rule.</param>
/// <param name="Detail">The message of this finding.</param>
/// <param name="Url">The address of the rule's explanation; null when there is none.</param>
/// <param name="File">The Dockerfile's name; null when not reported.</param>
/// <param name="Line">The first line of the finding, from 1; null when it has none.</param>
/// <param name="EndLine">The last line of the finding.</param>
public sealed record DockerfileCheck(string Rule, string Description, string Detail, string? Url, string? File, int? Line, int? EndLine)
{
    /// <summary>The rule's name.</summary>
    public string Rule { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Rule);

    /// <summary>A description of the rule.</summary>
    public string Description { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Description);

    /// <summary>The message of this finding.</summary>
    public string Detail { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Detail);

    /// <summary>The address of the rule's explanation; null when there is none.</summary>
    public string? Url { get; init => field = value is null ? null : TerminalText.Plain(value); } = Url is null ? null : TerminalText.Plain(Url);

    /// <summary>The Dockerfile's name; null when not reported.</summary>
    public string? File { get; init => field = value is null ? null : TerminalText.Plain(value); } = File is null ? null : TerminalText.Plain(File);

    /// <summary>The first line of the finding, from 1; null when it has none.</summary>
    public int? Line { get; init; } = Line;

    /// <summary>The last line of the finding.</summary>
    public int? EndLine { get; init; } = EndLine;
}

/// <summary>The result of BuildKit's build checks on a Dockerfile.</summary>
/// <param name="Findings">The findings, in line order.</param>
/// <param name="Error">The reason why the Dockerfile cannot be built; null when it can.</param>
/// <remarks>Source: moby/buildkit, frontend/subrequests/lint/lint.go.</remarks>
public sealed record DockerfileChecks(IReadOnlyList<DockerfileCheck> Findings, DockerfileCheckError? Error)
{
    internal const string RequestId = "frontend.lint";

    /// <summary>True when there are no findings and no error.</summary>
    public bool IsClean => Findings.Count == 0 && Error is null;

    internal static DockerfileChecks From(JsonElement json)
    {
        List<string?> files = [];
        foreach (JsonElement source in SubrequestJson.Items(json, "sources"))
        {
            files.Add(SubrequestJson.Text(source, "filename"));
        }

        List<DockerfileCheck> findings = [];
        foreach (JsonElement warning in SubrequestJson.Items(json, "warnings"))
        {
            (int? line, int? end, int source) = SubrequestJson.Location(warning);
            findings.Add(new DockerfileCheck(
                SubrequestJson.Text(warning, "ruleName") ?? string.Empty,
                SubrequestJson.Text(warning, "description") ?? string.Empty,
                SubrequestJson.Text(warning, "detail") ?? string.Empty,
                SubrequestJson.Text(warning, "url"),
                source >= 0 && source < files.Count ? files[source] : null,
                line,
                end));
        }

        DockerfileCheckError? error = null;
        if (SubrequestJson.TryGet(json, "buildError", out JsonElement wrong) && wrong.ValueKind == JsonValueKind.Object)
        {
            (int? line, _, int source) = SubrequestJson.Location(wrong);
            error = new DockerfileCheckError(SubrequestJson.Text(wrong, "message") ?? string.Empty, source >= 0 && source < files.Count ? files[source] : null, line);
        }

        return new DockerfileChecks([.. findings.OrderBy(static f => f.Line ?? 0)], error);
    }
}

/// <summary>The reason why a Dockerfile cannot be built.</summary>
/// <param name="Message">The error message.</param>
/// <param name="File">The Dockerfile's name; null when not reported.</param>
/// <param name="Line">The line, from 1; null when there is none.</param>
public sealed record DockerfileCheckError(string Message, string? File, int? Line)
{
    /// <summary>The error message.</summary>
    public string Message { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Message);

    /// <summary>The Dockerfile's name; null when not reported.</summary>
    public string? File { get; init => field = value is null ? null : TerminalText.Plain(value); } = File is null ? null : TerminalText.Plain(File);

    /// <summary>The line, from 1; null when there is none.</summary>
    public int? Line { get; init; } = Line;
}
