using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>A build request. Only <see cref="ContextPath"/> is required.</summary>
public sealed record ImageBuildRequest
{
    /// <summary>
    /// The build context: a directory or a tar archive (an absolute path), or an address that the engine fetches: a git repository
    /// (<c>https://host/path.git#ref:folder</c>, <c>user@host:path</c>), or an archive or Dockerfile (<c>https://…</c>).
    /// See <see cref="ContextLocation"/>.
    /// </summary>
    public required string ContextPath { get; init; }

    /// <summary>
    /// True to fail when a file of the context changes or disappears while it is sent; otherwise the current content is sent, with a warning.
    /// </summary>
    public bool StrictContext { get; init; }

    /// <summary>
    /// The Dockerfile's path, also outside the context: a file, or a pipe such as <c>/dev/fd/3</c>, which is read once. Null for
    /// <c>Dockerfile</c> in the context, which may be a link only within the context. When the context is an archive or an address, a relative
    /// path is in the context.
    /// </summary>
    public string? DockerfilePath { get; init; }

    /// <summary>The Dockerfile's text, instead of a file; it is served from memory.</summary>
    public string? DockerfileText { get; init; }

    internal IReadOnlyList<string> References =>
        [.. Tags.Select(static t => ImageReference.Parse(t).WithDefaultTag().ToString()).Distinct(StringComparer.Ordinal)];

    /// <summary>The Dockerfile when it has already been read: a pipe can be read only once. It takes precedence over the path.</summary>
    public DockerfileContent? DockerfileContent { get; init; }

    /// <summary>The image's references, in the grammar of <see cref="ImageReference"/>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Values for the Dockerfile's ARG instructions.</summary>
    public IReadOnlyDictionary<string, string> BuildArguments { get; init; } = new Dictionary<string, string>();

    /// <summary>Labels for the image's config.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The stage to build; null for the last.</summary>
    public string? Target { get; init; }

    /// <summary>The target platforms, <c>os/arch[/variant]</c>; empty for the engine's own.</summary>
    public IReadOnlyList<string> Platforms { get; init; } = [];

    /// <summary>True to run every step without the cache.</summary>
    public bool NoCache { get; init; }

    /// <summary>True to look up base images in their registries even when the engine has them.</summary>
    public bool Pull { get; init; }

    /// <summary>
    /// Named contexts: a directory, <c>oci-layout://directory[:tag][@digest]</c>, <c>docker-image://reference</c>, or the address of a git
    /// repository or of a file; in an <see cref="Builds.ImageBuildSet"/> also <c>target:name</c>, the result of another of its builds. An image
    /// reference as name replaces that image.
    /// </summary>
    public IReadOnlyDictionary<string, string> NamedContexts { get; init; } = new Dictionary<string, string>();

    /// <summary>The names of the builds of the same set whose results are named contexts of this one.</summary>
    public IReadOnlyList<string> DependsOn =>
        [.. NamedContexts.Values.Where(static v => v.StartsWith(NamedContext.TargetPrefix, StringComparison.Ordinal)).Select(static v => v[NamedContext.TargetPrefix.Length..]).Distinct(StringComparer.Ordinal)];

    /// <summary>Annotations of the image's manifests and index.</summary>
    public IReadOnlyList<ImageAnnotation> Annotations { get; init; } = [];

    /// <summary>Attestations that the engine creates and attaches.</summary>
    public IReadOnlyList<ImageAttestation> Attestations { get; init; } = [];

    /// <summary>The timestamp of the image; null for the time of the build.</summary>
    public SourceDate? SourceDate { get; init; }

    /// <summary>Options for running steps.</summary>
    public BuildExecution Execution { get; init; } = BuildExecution.Default;

    /// <summary>The policy for the build's sources; null to allow all.</summary>
    public SourcePolicy? SourcePolicy { get; init; }

    /// <summary>
    /// The outputs. Empty for an image in the engine's own store where it is useful: in a Docker Engine, with a tag where there is a store, or
    /// with <see cref="NeedsDigest"/>, attestations or an inline cache; otherwise no image is made. Several outputs need an engine with
    /// BuildKit 0.13 or newer.
    /// </summary>
    public IReadOnlyList<BuildOutput> Outputs { get; init; } = [];

    /// <summary>True when the digest of the result is needed, so that an image is made even when it is not kept.</summary>
    public bool NeedsDigest { get; init; }

    /// <summary>True to push the image to the registries in its tags. Adds an image output when there is none.</summary>
    public bool Push { get; init; }

    /// <summary>Caches to import beside the engine's own.</summary>
    public IReadOnlyList<BuildCache> CacheFrom { get; init; } = [];

    /// <summary>Caches to export after a successful build.</summary>
    public IReadOnlyList<BuildCache> CacheTo { get; init; } = [];

    /// <summary>The secrets for <c>RUN --mount=type=secret</c>, by mount id.</summary>
    public IReadOnlyDictionary<string, BuildSecret> Secrets { get; init; } = new Dictionary<string, BuildSecret>();

    /// <summary>The SSH agents for <c>RUN --mount=type=ssh</c>.</summary>
    public IReadOnlyList<SshForward> Ssh { get; init; } = [];

    /// <summary>Credentials by registry host, with its port if any; they override those of docker's configuration.</summary>
    public IReadOnlyDictionary<string, RegistryCredential> RegistryCredentials { get; init; } = new Dictionary<string, RegistryCredential>();

    /// <summary>
    /// More images that the build uses, which neither tags, caches and named contexts nor the Dockerfile name: the engine also receives
    /// credentials for their registries.
    /// </summary>
    public IReadOnlyList<string> RegistryReferences { get; init; } = [];

    /// <summary>
    /// More registries, as hosts with ports, whose credentials the engine receives although the build does not name them: a mirror in the
    /// engine's configuration, or a registry that a base image's ONBUILD copies from.
    /// </summary>
    public IReadOnlyList<string> RegistryHosts { get; init; } = [];

    /// <summary>The directory of docker's <c>config.json</c>; null for <c>DOCKER_CONFIG</c> or <c>~/.docker</c>.</summary>
    public string? DockerConfigDirectory { get; init; }

    /// <summary>The time limit, from handing the build to the engine; the build is stopped on both sides when it takes longer. Null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Limits on the data that this machine accepts from the engine.</summary>
    public ReceiveLimits Limits { get; init; } = new();

    /// <summary>
    /// Asked before a local output with <c>mode=delete</c> deletes anything: the arguments are the directory and its paths that the build does
    /// not have. Called once per output, on any thread. Null deletes nothing.
    /// </summary>
    public Func<string, IReadOnlyList<string>, bool>? ConfirmDelete { get; init; }

    /// <summary>The context's path; no other value.</summary>
    public override string ToString() => ContextLocation.WithoutSecrets(ContextPath);
}
