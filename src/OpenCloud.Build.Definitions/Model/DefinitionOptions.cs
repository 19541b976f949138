namespace OpenCloud.Build.Definitions.Model;

/// <summary>The options for reading definitions.</summary>
public sealed record DefinitionOptions
{
    /// <summary>The base directory of relative paths in bake files. Its <c>.env</c> gives variables to Compose files.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Names or patterns of targets, groups or services; empty for the default ones.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Values of variables; they override the environment.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>Overrides as <c>target.key=value</c>.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>The active profiles of a Compose project; when empty, those of <c>COMPOSE_PROFILES</c>.</summary>
    public IReadOnlyList<string> Profiles { get; init; } = [];

    /// <summary>Environment files to read in place of the project's <c>.env</c>.</summary>
    public IReadOnlyList<string>? EnvironmentFiles { get; init; }

    /// <summary>The name of the Compose project.</summary>
    public string? ProjectName { get; init; }

    /// <summary>Gets an environment variable; null when it is not set.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>Reads a file that a definition refers to, up to a size limit; null when it does not exist.</summary>
    public required Func<string, string?> ReadFile { get; init; }

    /// <summary>The platform of this machine.</summary>
    public string LocalPlatform { get; init; } = "linux/amd64";

    /// <summary>The origin of a remote definition; null for files of this machine.</summary>
    public DefinitionOrigin? Origin { get; init; }

    /// <summary>Receives warnings.</summary>
    public Action<string>? Warn { get; init; }
}
