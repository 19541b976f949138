namespace OpenCloud.Build.Definitions.Model;

/// <summary>One build of a definition. The properties from <c>LiteralPath</c> on are named like the parameters of <c>Invoke-ImageBuild</c>.</summary>
public sealed record BuildDefinition
{
    /// <summary>The name of the target or service.</summary>
    public required string Name { get; init; }

    /// <summary>The description in the definition.</summary>
    public string? Description { get; init; }

    /// <summary>The file that defines the build.</summary>
    public string? Source { get; init; }

    /// <summary>The targets whose results are contexts of this build.</summary>
    public IReadOnlyList<string> DependsOn { get; init; } = [];

    /// <summary>The privileges that the build requests, such as access outside its directory, in the form of <c>buildx bake --allow</c>.</summary>
    public IReadOnlyList<string> Privilege { get; init; } = [];

    /// <summary>The fields that <c>Invoke-ImageBuild</c> does not support, as <c>key=value</c>.</summary>
    public IReadOnlyList<string> Remainder { get; init; } = [];

    /// <summary>The build context: a directory or an address.</summary>
    public required string LiteralPath { get; init; }

    /// <summary>The path of the Dockerfile.</summary>
    public string? Dockerfile { get; init; }

    /// <summary>The text of an inline Dockerfile.</summary>
    public string? DockerfileText { get; init; }

    /// <summary>The tags of the image.</summary>
    public IReadOnlyList<string>? Tag { get; init; }

    /// <summary>The build arguments.</summary>
    public IReadOnlyDictionary<string, string>? BuildArg { get; init; }

    /// <summary>The labels of the image.</summary>
    public IReadOnlyDictionary<string, string>? Label { get; init; }

    /// <summary>The stage to build.</summary>
    public string? Target { get; init; }

    /// <summary>The platforms to build for.</summary>
    public IReadOnlyList<string>? Platform { get; init; }

    /// <summary>Whether the build ignores the cache.</summary>
    public bool NoCache { get; init; }

    /// <summary>The stages that ignore the cache.</summary>
    public IReadOnlyList<string>? NoCacheFilter { get; init; }

    /// <summary>Whether the build resolves base images anew.</summary>
    public bool Pull { get; init; }

    /// <summary>The outputs, each as the attributes of its exporter.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>>? Output { get; init; }

    /// <summary>Whether to push the image.</summary>
    public bool Push { get; init; }

    /// <summary>The caches to import, each as its attributes.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>>? CacheFrom { get; init; }

    /// <summary>The caches to export, each as its attributes.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>>? CacheTo { get; init; }

    /// <summary>The sources of secrets, by id: <c>file:PATH</c> or <c>env:NAME</c>.</summary>
    public IReadOnlyDictionary<string, string>? Secret { get; init; }

    /// <summary>The SSH agents or keys, as <c>id</c> or <c>id=path,path</c>.</summary>
    public IReadOnlyList<string>? Ssh { get; init; }

    /// <summary>The named contexts.</summary>
    public IReadOnlyDictionary<string, string>? BuildContext { get; init; }

    /// <summary>The annotations of the image.</summary>
    public IReadOnlyDictionary<string, string>? Annotation { get; init; }

    /// <summary>The attestations, each as its attributes.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>>? Attest { get; init; }

    /// <summary>The SBOM attestation; <c>false</c> disables it.</summary>
    public string? Sbom { get; init; }

    /// <summary>The provenance attestation; <c>false</c> disables it.</summary>
    public string? Provenance { get; init; }

    /// <summary>The network mode of the build steps: Default, None or Host.</summary>
    public string Network { get; init; } = "Default";

    /// <summary>Entries for /etc/hosts in the build steps, as <c>host=address</c>.</summary>
    public IReadOnlyList<string>? AddHost { get; init; }

    /// <summary>The size of /dev/shm in the build steps, in bytes.</summary>
    public long? ShmSize { get; init; }

    /// <summary>The ulimits of the build steps, by name.</summary>
    public IReadOnlyDictionary<string, string>? Ulimit { get; init; }

    /// <summary>The entitlements of the build.</summary>
    public IReadOnlyList<string>? Allow { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
