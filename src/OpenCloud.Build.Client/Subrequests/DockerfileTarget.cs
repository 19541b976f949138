using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>A stage of a Dockerfile that can be built.</summary>
/// <param name="Name">Its name; null for one without, which can only be built as the last.</param>
/// <param name="IsDefault">True for the stage that is built when none is named.</param>
/// <param name="Description">The comment above it, when that begins with its name; null for none.</param>
/// <param name="Base">The image or stage it begins from, as written.</param>
/// <param name="BasePlatform">The platform its FROM gives; null for none.</param>
/// <param name="Line">The line of its FROM; null when not told.</param>
/// <remarks>Source: moby/buildkit, frontend/subrequests/targets/targets.go.</remarks>
public sealed record DockerfileTarget(string? Name, bool IsDefault, string? Description, string? Base, string? BasePlatform, int? Line)
{
    /// <summary>The stage's name; null for one without.</summary>
    public string? Name { get; init => field = value is null ? null : TerminalText.Plain(value); } = Name is null ? null : TerminalText.Plain(Name);

    /// <summary>True for the stage that is built when none is named.</summary>
    public bool IsDefault { get; init; } = IsDefault;

    /// <summary>The comment above the stage; null for none.</summary>
    public string? Description { get; init => field = value is null ? null : TerminalText.Plain(value); } = Description is null ? null : TerminalText.Plain(Description);

    /// <summary>What it starts from; null when not told.</summary>
    public string? Base { get; init => field = value is null ? null : TerminalText.Plain(value); } = Base is null ? null : TerminalText.Plain(Base);

    /// <summary>The platform it is for; null when not told.</summary>
    public string? BasePlatform { get; init => field = value is null ? null : TerminalText.Plain(value); } = BasePlatform is null ? null : TerminalText.Plain(BasePlatform);

    /// <summary>The line of its FROM; null when not told.</summary>
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
