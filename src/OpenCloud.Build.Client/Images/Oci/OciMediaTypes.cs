namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Media types of image contents and what they mean.</summary>
/// <remarks>OCI image specification, media-types.md; distribution, docs/spec/manifest-v2-2.md for Docker's.</remarks>
internal static class OciMediaTypes
{
    /// <summary>An OCI index.</summary>
    public const string Index = "application/vnd.oci.image.index.v1+json";

    /// <summary>An OCI manifest.</summary>
    public const string Manifest = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>An OCI image configuration.</summary>
    public const string Config = "application/vnd.oci.image.config.v1+json";

    /// <summary>An uncompressed OCI layer.</summary>
    public const string Layer = "application/vnd.oci.image.layer.v1.tar";

    /// <summary>An OCI layer compressed by gzip.</summary>
    public const string LayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";

    /// <summary>Docker's manifest list.</summary>
    public const string DockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json";

    /// <summary>Docker's manifest.</summary>
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

    /// <summary>Docker's image configuration.</summary>
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";

    /// <summary>Docker's layer, uncompressed.</summary>
    public const string DockerLayer = "application/vnd.docker.image.rootfs.diff.tar";

    /// <summary>Docker's layer, compressed by gzip.</summary>
    public const string DockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    internal static bool IsIndex(string mediaType) => mediaType is Index or DockerManifestList;

    internal static bool IsManifest(string mediaType) => mediaType is Manifest or DockerManifest;

    internal static bool IsConfig(string mediaType) => mediaType is Config or DockerConfig;

    /// <summary>Whether it is a layer, of whatever compression, as containerd's collector counts them.</summary>
    internal static bool IsLayer(string mediaType) =>
        mediaType.StartsWith("application/vnd.oci.image.layer.", StringComparison.Ordinal)
        || mediaType.StartsWith("application/vnd.docker.image.rootfs.", StringComparison.Ordinal);

    /// <summary>Layers that are not to be distributed and whose bytes are fetched from the urls of the descriptor.</summary>
    internal static bool IsForeignLayer(string mediaType) =>
        mediaType.StartsWith("application/vnd.docker.image.rootfs.foreign.", StringComparison.Ordinal)
        || mediaType.StartsWith("application/vnd.oci.image.layer.nondistributable.", StringComparison.Ordinal);
}
