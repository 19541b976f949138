namespace OpenCloud.Build.Definitions.Model;

/// <summary>What definitions are read with.</summary>
public sealed record DefinitionOptions
{
    /// <summary>The directory that relative paths of bake files start from, and that has the <c>.env</c> of a Compose file without a path.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Names or patterns of targets, groups or services; none for the default.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Values of variables, before the environment's.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>Changes as <c>target.key=value</c>.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>The profiles of a Compose file that are on.</summary>
    public IReadOnlyList<string> Profiles { get; init; } = [];

    /// <summary>Files of variables, in place of the project's <c>.env</c>.</summary>
    public IReadOnlyList<string>? EnvironmentFiles { get; init; }

    /// <summary>The name of a Compose project.</summary>
    public string? ProjectName { get; init; }

    /// <summary>The environment.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>Reads a file that a definition names, within bounds; null where there is none.</summary>
    public required Func<string, string?> ReadFile { get; init; }

    /// <summary>The platform of this machine.</summary>
    public string LocalPlatform { get; init; } = "linux/amd64";

    /// <summary>Takes what is worth to know and no error.</summary>
    public Action<string>? Warn { get; init; }
}
