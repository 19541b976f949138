namespace OpenCloud.Build.Definitions.Model;

/// <summary>One build of a definition. The properties after the first ones are named like the parameters of <c>Invoke-ImageBuild</c>.</summary>
public sealed record BuildDefinition
{
    /// <summary>The name of the target or service.</summary>
    public required string Name { get; init; }

    /// <summary>What the definition says it is.</summary>
    public string? Description { get; init; }

    /// <summary>The file it comes from.</summary>
    public string? Source { get; init; }

    /// <summary>The targets whose results it takes as contexts.</summary>
    public IReadOnlyList<string> DependsOn { get; init; } = [];

    /// <summary>What it asks for beyond its own directory, as <c>buildx bake --allow</c> spells it.</summary>
    public IReadOnlyList<string> Privilege { get; init; } = [];

    /// <summary>What the definition has and <c>Invoke-ImageBuild</c> does not take, as <c>key=value</c>.</summary>
    public IReadOnlyList<string> Remainder { get; init; } = [];

    /// <summary>The directory or address to build from.</summary>
    public required string LiteralPath { get; init; }

    /// <summary>The Dockerfile.</summary>
    public string? Dockerfile { get; init; }

    /// <summary>The Dockerfile's text.</summary>
    public string? DockerfileText { get; init; }

    /// <summary>The names of the image.</summary>
    public IReadOnlyList<string>? Tag { get; init; }

    /// <summary>Values of the Dockerfile's ARGs.</summary>
    public IReadOnlyDictionary<string, string>? BuildArg { get; init; }

    /// <summary>Labels of the image.</summary>
    public IReadOnlyDictionary<string, string>? Label { get; init; }

    /// <summary>The stage to build.</summary>
    public string? Target { get; init; }

    /// <summary>The platforms to build for.</summary>
    public IReadOnlyList<string>? Platform { get; init; }

    /// <summary>Whether every step runs again.</summary>
    public bool NoCache { get; init; }

    /// <summary>Stages whose steps run again.</summary>
    public IReadOnlyList<string>? NoCacheFilter { get; init; }

    /// <summary>Whether base images are looked up again.</summary>
    public bool Pull { get; init; }

    /// <summary>Where the result goes: attributes of each output.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>>? Output { get; init; }

    /// <summary>Whether the image is pushed.</summary>
    public bool Push { get; init; }

    /// <summary>Caches to read.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>>? CacheFrom { get; init; }

    /// <summary>Caches to write.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>>? CacheTo { get; init; }

    /// <summary>Where secrets are, by id: <c>file:PATH</c> or <c>env:NAME</c>.</summary>
    public IReadOnlyDictionary<string, string>? Secret { get; init; }

    /// <summary>SSH agents.</summary>
    public IReadOnlyList<string>? Ssh { get; init; }

    /// <summary>More contexts by name.</summary>
    public IReadOnlyDictionary<string, string>? BuildContext { get; init; }

    /// <summary>Annotations of the image.</summary>
    public IReadOnlyDictionary<string, string>? Annotation { get; init; }

    /// <summary>Documents about the image.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>>? Attest { get; init; }

    /// <summary>The list of what is in the image.</summary>
    public string? Sbom { get; init; }

    /// <summary>The account of how the image was built.</summary>
    public string? Provenance { get; init; }

    /// <summary>The network of steps: Default, None or Host.</summary>
    public string Network { get; init; } = "Default";

    /// <summary>Lines for the steps' /etc/hosts.</summary>
    public IReadOnlyList<string>? AddHost { get; init; }

    /// <summary>The size of the steps' /dev/shm.</summary>
    public long? ShmSize { get; init; }

    /// <summary>Limits of the steps' processes.</summary>
    public IReadOnlyDictionary<string, string>? Ulimit { get; init; }

    /// <summary>What the build may be granted.</summary>
    public IReadOnlyList<string>? Allow { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
