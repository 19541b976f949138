namespace OpenCloud.Build.Client.BuildKit;

/// <summary>What to build. Only <see cref="ContextPath"/> is needed.</summary>
public sealed class ImageBuildRequest
{
    /// <summary>
    /// What the Dockerfile may use files of: a directory or a tar archive (an absolute path), or an address that the engine fetches
    /// itself, of a git repository (<c>https://host/path.git#ref:folder</c>, <c>git@host:path</c>) or of an archive or Dockerfile
    /// (<c>https://…</c>). See <see cref="ContextLocation"/>.
    /// </summary>
    public required string ContextPath { get; init; }

    /// <summary>
    /// The Dockerfile, anywhere; null for <c>Dockerfile</c> in the context. With an archive or an address for a context, a path that
    /// does not begin at the root is one in the context.
    /// </summary>
    public string? DockerfilePath { get; init; }

    /// <summary>The Dockerfile's text, in place of a file; it is served from memory.</summary>
    public string? DockerfileText { get; init; }

    /// <summary>References the image gets, in the grammar of <see cref="Oci.ImageReference"/>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Values of the Dockerfile's ARG instructions.</summary>
    public IReadOnlyDictionary<string, string> BuildArguments { get; init; } = new Dictionary<string, string>();

    /// <summary>Labels for the image's config.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The stage to build; null for the last.</summary>
    public string? Target { get; init; }

    /// <summary>The platforms to build for, <c>os/arch[/variant]</c>; empty for the engine's own.</summary>
    public IReadOnlyList<string> Platforms { get; init; } = [];

    /// <summary>True to run every step anew.</summary>
    public bool NoCache { get; init; }

    /// <summary>True to ask the registries for base images even when the engine has them.</summary>
    public bool Pull { get; init; }

    /// <summary>
    /// More contexts by name: a directory, <c>oci-layout://directory[:tag|@digest]</c>, <c>docker-image://reference</c>, or the address
    /// of a git repository or of a file. A name that is an image's takes the place of that image.
    /// </summary>
    public IReadOnlyDictionary<string, string> NamedContexts { get; init; } = new Dictionary<string, string>();

    /// <summary>Annotations of the image's manifests and index.</summary>
    public IReadOnlyList<ImageAnnotation> Annotations { get; init; } = [];

    /// <summary>Documents about the image that the engine makes and attaches.</summary>
    public IReadOnlyList<ImageAttestation> Attestations { get; init; } = [];

    /// <summary>The time the image gives; null for the time of the build.</summary>
    public SourceDate? SourceDate { get; init; }

    /// <summary>How steps are run.</summary>
    public BuildExecution Execution { get; init; } = BuildExecution.Default;

    /// <summary>What the build may take from where; null for anything.</summary>
    public SourcePolicy? SourcePolicy { get; init; }
}
