using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images;

/// <summary>An image of a store: one name and what it refers to.</summary>
public sealed record ContainerImage
{
    /// <summary>
    /// The name in the short form that people write (<c>app:1</c>), whichever the store; <c>&lt;none&gt;</c> for a Docker image without a name. A name
    /// that is not an image reference is unchanged.
    /// </summary>
    public required string Name { get; init => field = TerminalText.Name(value); }

    /// <summary>The full reference (<c>docker.io/library/app:1</c>); null when the name is not an image reference.</summary>
    public string? Reference { get; init => field = TerminalText.Name(value); }

    /// <summary>The registry of the name; empty when the name is not an image reference.</summary>
    public string Registry { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>Registry and path as docker writes them, Docker Hub's short; the whole name when it is not an image reference.</summary>
    public string Repository { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The tag; empty when there is none.</summary>
    public string Tag { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The digest of the index or manifest; null where the store (Docker's graph drivers) keeps none.</summary>
    public string? Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The id that docker shows: the digest, or with Docker's graph drivers that of the configuration.</summary>
    public required string Id { get; init => field = TerminalText.Name(value); }

    /// <summary>The media type of the index or manifest; empty where the engine does not report it.</summary>
    public string MediaType { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The namespace of containerd; empty for Docker's store.</summary>
    public string Namespace { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The address of the store.</summary>
    public required string Store { get; init; }

    /// <summary>The platforms of the image, without attestations.</summary>
    public IReadOnlyList<ContainerImagePlatform> Platforms { get; init => field = TextList<ContainerImagePlatform>.Of(value); } = TextList<ContainerImagePlatform>.Empty;

    /// <summary>The number of attestation manifests beside the platforms; null where the engine does not report it.</summary>
    public int? Attestations { get; init; }

    /// <summary>When the image was built according to its configuration; otherwise when it was stored.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>When the name was created in the store; null where the engine does not report it.</summary>
    public DateTimeOffset? Stored { get; init; }

    /// <summary>When the name was last changed in the store, or last tagged in Docker's.</summary>
    public DateTimeOffset? Updated { get; init; }

    /// <summary>The bytes of all contents that are present, each counted once; null where the engine does not report it.</summary>
    public long? ContentSize { get; init; }

    /// <summary>The bytes of the unpacked layers, each counted once; null when the image is not unpacked or the size is unknown.</summary>
    public long? UnpackedSize { get; init; }

    /// <summary>What the image occupies, as docker counts it: contents and unpacked layers.</summary>
    public long Size { get; init; }

    /// <summary>The labels of the image's configuration, as docker lists them.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init => field = TerminalText.Plain(value); } = TextMap.Empty;

    /// <summary>The labels that containerd keeps beside the name.</summary>
    public IReadOnlyDictionary<string, string> StoreLabels { get; init => field = TerminalText.Plain(value); } = TextMap.Empty;

    /// <summary>All tagged names of the store that refer to the same image, in the short form.</summary>
    public IReadOnlyList<string> RepoTags { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>The repositories with the digest, in the short form.</summary>
    public IReadOnlyList<string> RepoDigests { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>Whether no tag of the store refers to the image.</summary>
    public bool IsDangling { get; init; }

    /// <summary>Whether all contents are present of at least one platform, and of every platform that is partly present.</summary>
    public bool IsComplete { get; init; } = true;

    /// <summary>The contents that are missing.</summary>
    public IReadOnlyList<string> Missing { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>Why the image could not be read in full; null when it could.</summary>
    public string? Problem { get; init => field = value is null ? null : TerminalText.Plain(value); }

    /// <summary>The name by which the store knows the image: its own form of it.</summary>
    internal string StoreName { get; init; } = string.Empty;

    /// <summary>The name for the store's methods, unfiltered. A method: a property's value may be shown on a terminal.</summary>
    public string GetStoreName() => StoreName;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
