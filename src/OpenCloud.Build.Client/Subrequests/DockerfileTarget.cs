using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>A stage of a Dockerfile that can be built.</summary>
/// <param name="Name">The name; null for a stage without one, which can only be built as the last.</param>
/// <param name="IsDefault">True for the stage that is built by default.</param>
/// <param name="Description">The comment above it, when that begins with its name; null otherwise.</param>
/// <param name="Base">The base image or stage, as written.</param>
/// <param name="BasePlatform">The platform in its FROM; null when there is none.</param>
/// <param name="Line">The line of its FROM; null when not reported.</param>
/// <remarks>Source: moby/buildkit, frontend/subrequests/targets/targets.go.</remarks>
public sealed record DockerfileTarget(string? Name, bool IsDefault, string? Description, string? Base, string? BasePlatform, int? Line)
{
    /// <summary>The name; null for a stage without one.</summary>
    public string? Name { get; init => field = value is null ? null : TerminalText.Plain(value); } = Name is null ? null : TerminalText.Plain(Name);

    /// <summary>True for the stage that is built by default.</summary>
    public bool IsDefault { get; init; } = IsDefault;

    /// <summary>The comment above the stage; null when there is none.</summary>
    public string? Description { get; init => field = value is null ? null : TerminalText.Plain(value); } = Description is null ? null : TerminalText.Plain(Description);

    /// <summary>The base image or stage; null when not reported.</summary>
    public string? Base { get; init => field = value is null ? null : TerminalText.Plain(value); } = Base is null ? null : TerminalText.Plain(Base);

    /// <summary>The platform in its FROM; null when not reported.</summary>
    public string? BasePlatform { get; init => field = value is null ? null : TerminalText.Plain(value); } = BasePlatform is null ? null : TerminalText.Plain(BasePlatform);

    /// <summary>The line of its FROM; null when not reported.</summary>
    public int? Line { get; init; } = Line;

    internal const string RequestId = "frontend.targets";

    internal static IReadOnlyList<DockerfileTarget> ListFrom(JsonElement json) =>
    [
        .. SubrequestJson.Items(json, "targets").Select(static t => new DockerfileTarget(
            SubrequestJson.Text(t, "name"),
            SubrequestJson.Flag(t, "default"),
            SubrequestJson.Text(t, "description"),
            SubrequestJson.Text(t, "base"),
            SubrequestJson.Text(t, "platform"),
            SubrequestJson.Location(t).Line)),
    ];
}
