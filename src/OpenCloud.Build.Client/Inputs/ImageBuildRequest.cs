using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>What to build. Only <see cref="ContextPath"/> is needed.</summary>
public sealed class ImageBuildRequest
{
    /// <summary>
    /// What the Dockerfile may use files of: a directory or a tar archive (an absolute path), or an address that the engine fetches
    /// itself, of a git repository (<c>https://host/path.git#ref:folder</c>, <c>user@host:path</c>) or of an archive or Dockerfile
    /// (<c>https://…</c>). See <see cref="ContextLocation"/>.
    /// </summary>
    public required string ContextPath { get; init; }

    /// <summary>
    /// True to fail when a file of the context changes or vanishes while it is sent; otherwise what is found is sent, with a warning.
    /// </summary>
    public bool StrictContext { get; init; }

    /// <summary>
    /// The Dockerfile, anywhere: a file, or a pipe such as <c>/dev/fd/3</c>, which is read once. Null for <c>Dockerfile</c> in the context, which
    /// may be a link within the context only. With an archive or an address for a context, a path that does not begin at the root is one in the
    /// context.
    /// </summary>
    public string? DockerfilePath { get; init; }

    /// <summary>The Dockerfile's text, in place of a file; it is served from memory.</summary>
    public string? DockerfileText { get; init; }

    /// <summary>The references in full, as the image will carry them.</summary>
    internal IReadOnlyList<string> References =>
        [.. Tags.Select(static t => ImageReference.Parse(t).WithDefaultTag().ToString()).Distinct(StringComparer.Ordinal)];

    /// <summary>The Dockerfile where it has been read already; a pipe cannot be read a second time.</summary>
    internal DockerfileContent? DockerfileContent { get; init; }

    /// <summary>References the image gets, in the grammar of <see cref="ImageReference"/>.</summary>
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
    /// More contexts by name: a directory, <c>oci-layout://directory[:tag][@digest]</c>, <c>docker-image://reference</c>, or the address
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

    /// <summary>
    /// Where the result goes. Empty for an image in the engine's own store, where it can be of use: in a Docker Engine, with a tag where there is
    /// a store, or with <see cref="NeedsDigest"/>, attestations or an inline cache; otherwise no image is made. Several at once need an engine with
    /// BuildKit 0.13 or newer.
    /// </summary>
    public IReadOnlyList<BuildOutput> Outputs { get; init; } = [];

    /// <summary>True when the digest of the result is wanted, so that an image is made even where it is kept nowhere.</summary>
    public bool NeedsDigest { get; init; }

    /// <summary>True to push the image: its tags name the registry. Without an output of an image one is added.</summary>
    public bool Push { get; init; }

    /// <summary>Caches to read beside the engine's own.</summary>
    public IReadOnlyList<BuildCache> CacheFrom { get; init; } = [];

    /// <summary>Caches to write when the build has succeeded.</summary>
    public IReadOnlyList<BuildCache> CacheTo { get; init; } = [];

    /// <summary>What <c>RUN --mount=type=secret</c> gets, by the mount's id.</summary>
    public IReadOnlyDictionary<string, BuildSecret> Secrets { get; init; } = new Dictionary<string, BuildSecret>();

    /// <summary>What <c>RUN --mount=type=ssh</c> gets.</summary>
    public IReadOnlyList<SshForward> Ssh { get; init; } = [];

    /// <summary>Credentials by registry host, with its port if it has one; they go before those of docker's configuration.</summary>
    public IReadOnlyDictionary<string, RegistryCredential> RegistryCredentials { get; init; } = new Dictionary<string, RegistryCredential>();

    /// <summary>
    /// Images that the build uses and that neither its tags, caches and named contexts nor the Dockerfile name: the engine is given credentials for their
    /// registries, too.
    /// </summary>
    public IReadOnlyList<string> RegistryReferences { get; init; } = [];

    /// <summary>
    /// Registries, as hosts with their ports, that the build does not name and whose credentials the engine is given all the same: a mirror in its
    /// configuration, or what a base image's ONBUILD copies from.
    /// </summary>
    public IReadOnlyList<string> RegistryHosts { get; init; } = [];

    /// <summary>The directory of docker's <c>config.json</c>; null for <c>DOCKER_CONFIG</c> or <c>~/.docker</c>.</summary>
    public string? DockerConfigDirectory { get; init; }

    /// <summary>How long the build may take from when it is given to the engine; it is stopped there and here when it takes longer. Null for any time.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>What this machine takes from the engine at most.</summary>
    public ReceiveLimits Limits { get; init; } = new();

    /// <summary>
    /// Is asked before a local output with <c>mode=delete</c> deletes anything: the directory, and the paths in it that the build does not
    /// have. Called once per output, on any thread. Null deletes nothing.
    /// </summary>
    public Func<string, IReadOnlyList<string>, bool>? ConfirmDelete { get; init; }
}
