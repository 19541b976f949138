using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>A build argument of a target.</summary>
/// <param name="Name">The name.</param>
/// <param name="Value">The value it would have; null when there is none.</param>
/// <param name="Description">The comment above it, when that begins with its name; null otherwise.</param>
/// <param name="Line">The line of its ARG; null when not reported.</param>
public sealed record OutlineArgument(string Name, string? Value, string? Description, int? Line)
{
    /// <summary>The name.</summary>
    public string Name { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Name);

    /// <summary>The value it would have; null when there is none.</summary>
    public string? Value { get; init => field = value is null ? null : TerminalText.Plain(value); } = Value is null ? null : TerminalText.Plain(Value);

    /// <summary>The comment above it, when that begins with its name; null otherwise.</summary>
    public string? Description { get; init => field = value is null ? null : TerminalText.Plain(value); } = Description is null ? null : TerminalText.Plain(Description);

    /// <summary>The line of its ARG; null when not reported.</summary>
    public int? Line { get; init; } = Line;

    /// <inheritdoc/>
    public override string ToString() => Value is null ? Name : $"{Name}={Value}";
}

/// <summary>A secret or an SSH agent that a target's steps mount.</summary>
/// <param name="Name">The id.</param>
/// <param name="Required">True when the build fails without it.</param>
/// <param name="Line">The line of its mount; null when not reported.</param>
public sealed record OutlineMount(string Name, bool Required, int? Line)
{
    /// <summary>The id.</summary>
    public string Name { get; init => field = TerminalText.Plain(value); } = TerminalText.Plain(Name);

    /// <summary>True when the build fails without it.</summary>
    public bool Required { get; init; } = Required;

    /// <summary>The line of its mount; null when not reported.</summary>
    public int? Line { get; init; } = Line;

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The inputs of a target's build: arguments, secrets, SSH agents and caches.</summary>
/// <remarks>Source: moby/buildkit, frontend/subrequests/outline/outline.go.</remarks>
public sealed record DockerfileOutline
{
    internal const string RequestId = "frontend.outline";

    /// <summary>The stage's name; null when it has none.</summary>
    public string? Target { get; init => field = value is null ? null : TerminalText.Plain(value); }

    /// <summary>The comment above the stage; null when there is none.</summary>
    public string? Description { get; init => field = value is null ? null : TerminalText.Plain(value); }

    /// <summary>Build arguments.</summary>
    public IReadOnlyList<OutlineArgument> Arguments { get; init => field = TextList<OutlineArgument>.Of(value); } = TextList<OutlineArgument>.Empty;

    /// <summary>Secrets.</summary>
    public IReadOnlyList<OutlineMount> Secrets { get; init => field = TextList<OutlineMount>.Of(value); } = TextList<OutlineMount>.Empty;

    /// <summary>SSH agents.</summary>
    public IReadOnlyList<OutlineMount> Ssh { get; init => field = TextList<OutlineMount>.Of(value); } = TextList<OutlineMount>.Empty;

    /// <summary>The ids of the caches that steps mount; empty when the frontend does not report them, as BuildKit's own up to 0.32.</summary>
    public IReadOnlyList<OutlineMount> Caches { get; init => field = TextList<OutlineMount>.Of(value); } = TextList<OutlineMount>.Empty;

    internal static DockerfileOutline From(JsonElement json) => new()
    {
        Target = SubrequestJson.Text(json, "name"),
        Description = SubrequestJson.Text(json, "description"),
        Arguments =
        [
            .. SubrequestJson.Items(json, "args").Select(static a => new OutlineArgument(
                SubrequestJson.Text(a, "name") ?? string.Empty, SubrequestJson.Text(a, "value"), SubrequestJson.Text(a, "description"), SubrequestJson.Location(a).Line)),
        ],
        Secrets = Mounts(json, "secrets", "name"),
        Ssh = Mounts(json, "ssh", "name"),
        Caches = Mounts(json, "cache", "ID"),
    };

    private static IReadOnlyList<OutlineMount> Mounts(JsonElement json, string list, string name) =>
        [.. SubrequestJson.Items(json, list).Select(m => new OutlineMount(SubrequestJson.Text(m, name) ?? string.Empty, SubrequestJson.Flag(m, "required"), SubrequestJson.Location(m).Line))];
}
