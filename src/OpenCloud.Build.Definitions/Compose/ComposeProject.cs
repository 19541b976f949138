namespace OpenCloud.Build.Definitions.Compose;

/// <summary>A Compose project, reduced to what its builds need.</summary>
internal sealed record ComposeProject(string Name, string Directory, IReadOnlyDictionary<string, ComposeService> Services, IReadOnlyDictionary<string, ComposeSecret> Secrets);

/// <summary>A service; <c>Build</c> is null when it has no build.</summary>
internal sealed record ComposeService(string Name, string File, int Line)
{
    public string? Image { get; init; }

    public string? Platform { get; init; }

    public IReadOnlyList<string> Profiles { get; init; } = [];

    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    public ComposeBuild? Build { get; init; }
}

internal sealed record ComposeSecret(string? File, string? Variable, bool IsExternal);

/// <summary>A ulimit: one number, or a soft and a hard one.</summary>
internal readonly record struct ComposeLimit(long Soft, long Hard, bool IsSingle);

internal sealed record ComposeBuild
{
    /// <summary>A directory or an address. The directory is a full path, except in bake.</summary>
    public required string Context { get; init; }

    public string? Dockerfile { get; init; }

    public string? DockerfileInline { get; init; }

    public IReadOnlyDictionary<string, string?> Args { get; init; } = new Dictionary<string, string?>();

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Contexts { get; init; } = new Dictionary<string, string>();

    /// <summary>Paths of SSH agents or keys, by id; empty for the default agent.</summary>
    public IReadOnlyDictionary<string, string> Ssh { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<(string Source, string? Target)> Secrets { get; init; } = [];

    public IReadOnlyList<string> CacheFrom { get; init; } = [];

    public IReadOnlyList<string> CacheTo { get; init; } = [];

    public IReadOnlyList<string> Tags { get; init; } = [];

    public IReadOnlyList<string> Platforms { get; init; } = [];

    public IReadOnlyList<string> Entitlements { get; init; } = [];

    public IReadOnlyList<string> NoCacheFilter { get; init; } = [];

    /// <summary>Entries as <c>host=address</c>.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    public IReadOnlyDictionary<string, ComposeLimit> Ulimits { get; init; } = new Dictionary<string, ComposeLimit>();

    public bool NoCache { get; init; }

    public bool Pull { get; init; }

    public bool IsPrivileged { get; init; }

    public string? Network { get; init; }

    public string? Target { get; init; }

    public string? Isolation { get; init; }

    public long? ShmSize { get; init; }

    public string? Provenance { get; init; }

    public string? Sbom { get; init; }

    /// <summary>The <c>x-bake</c> section: fields for bake.</summary>
    public ComposeNode? Bake { get; init; }
}
