using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>Something that a build check found.</summary>
/// <param name="Rule">The rule's name, such as <c>StageNameCasing</c>.</param>
/// <param name="Description">What the rule is about.</param>
/// <param name="Detail">What is wrong here.</param>
/// <param name="Url">Where the rule is explained; null when it is not.</param>
/// <param name="File">The Dockerfile's name; null when not told.</param>
/// <param name="Line">The first line it is about, from 1; null when it is about none.</param>
/// <param name="EndLine">The last line it is about.</param>
public sealed record DockerfileCheck(string Rule, string Description, string Detail, string? Url, string? File, int? Line, int? EndLine)
{
    /// <summary>The rule's name.</summary>
    public string Rule { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Rule);

    /// <summary>What the rule is about.</summary>
    public string Description { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Description);

    /// <summary>What was found.</summary>
    public string Detail { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Detail);

    /// <summary>Where it is explained; null when nowhere.</summary>
    public string? Url { get; init => field = value is null ? null : TerminalText.Plain(value); } = Url is null ? null : TerminalText.Plain(Url);

    /// <summary>The file; null when not told.</summary>
    public string? File { get; init => field = value is null ? null : TerminalText.Plain(value); } = File is null ? null : TerminalText.Plain(File);

    /// <summary>The first line it is about, from 1; null when it is about none.</summary>
    public int? Line { get; init; } = Line;

    /// <summary>The last line it is about.</summary>
    public int? EndLine { get; init; } = EndLine;
}

/// <summary>What BuildKit's build checks say of a Dockerfile.</summary>
/// <param name="Findings">What the rules found, in the order of the lines.</param>
/// <param name="Error">Why it could not be built at all, with the first line of it; null when it could.</param>
/// <remarks>Source: moby/buildkit, frontend/subrequests/lint/lint.go.</remarks>
public sealed record DockerfileChecks(IReadOnlyList<DockerfileCheck> Findings, DockerfileCheckError? Error)
{
    internal const string RequestId = "frontend.lint";

    /// <summary>True when nothing was found.</summary>
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

/// <summary>Why a Dockerfile cannot be built.</summary>
/// <param name="Message">What is wrong.</param>
/// <param name="File">The Dockerfile's name; null when not told.</param>
/// <param name="Line">The line, from 1; null when it is about none.</param>
public sealed record DockerfileCheckError(string Message, string? File, int? Line)
{
    /// <summary>Why the Dockerfile cannot be built.</summary>
    public string Message { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Message);

    /// <summary>The file; null when not told.</summary>
    public string? File { get; init => field = value is null ? null : TerminalText.Plain(value); } = File is null ? null : TerminalText.Plain(File);

    /// <summary>The line, from 1; null when it is about none.</summary>
    public int? Line { get; init; } = Line;
}
