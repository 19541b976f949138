using System.Text.Json;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>An index (or Docker's manifest list) or a manifest: the two documents that refer to others.</summary>
/// <remarks>OCI image specification, image-index.md and manifest.md.</remarks>
internal sealed class OciManifest
{
    private OciManifest(string mediaType, bool isIndex, IReadOnlyList<OciDescriptor> manifests, OciDescriptor? config, IReadOnlyList<OciDescriptor> layers, IReadOnlyDictionary<string, string> annotations, OciDescriptor? subject)
    {
        MediaType = mediaType;
        IsIndex = isIndex;
        Manifests = manifests;
        Config = config;
        Layers = layers;
        Annotations = annotations;
        Subject = subject;
    }

    /// <summary>The media type that the document states; empty when it states none.</summary>
    public string MediaType { get; }

    /// <summary>Whether the document lists manifests; otherwise it lists layers.</summary>
    public bool IsIndex { get; }

    /// <summary>The manifests of an index.</summary>
    public IReadOnlyList<OciDescriptor> Manifests { get; }

    /// <summary>The configuration of a manifest.</summary>
    public OciDescriptor? Config { get; }

    /// <summary>The layers of a manifest, lowest first.</summary>
    public IReadOnlyList<OciDescriptor> Layers { get; }

    /// <summary>The annotations.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; }

    /// <summary>The subject of an artifact that refers to an image. Not a child: it may be absent.</summary>
    public OciDescriptor? Subject { get; }

    /// <summary>The contents it refers to, in the order in which containerd walks them: the configuration, then the layers.</summary>
    public IEnumerable<OciDescriptor> Children => IsIndex ? Manifests : Layers.Prepend(Config!);

    /// <summary>Reads the document.</summary>
    /// <param name="json">The bytes.</param>
    /// <param name="mediaType">The media type of the descriptor, which decides.</param>
    /// <param name="what">The name of the document in errors: a digest or a path.</param>
    /// <exception cref="OciFormatException">The document does not match the media type, or could be read as both.</exception>
    public static OciManifest Parse(ReadOnlyMemory<byte> json, string mediaType, string what) =>
        OciJson.Read(json, what, root => Parse(root, mediaType, what));

    private static OciManifest Parse(System.Text.Json.JsonElement root, string mediaType, string what)
    {
        string own = OciJson.GetString(root, "mediaType", what);
        if (own.Length > 0 && mediaType.Length > 0 && own != mediaType)
        {
            throw new OciFormatException($"{what}: the document has the media type '{own}', but its descriptor has '{mediaType}'.");
        }

        string effective = mediaType.Length > 0 ? mediaType : own;
        bool isIndex = OciMediaTypes.IsIndex(effective)
            || (effective.Length == 0 && OciJson.TryGet(root, "manifests", out _));
        if (!isIndex && effective.Length > 0 && !OciMediaTypes.IsManifest(effective))
        {
            throw new OciFormatException($"{what}: '{effective}' is neither an index nor a manifest.");
        }

        // One digest with two meanings is the hole of CVE-2021-41190. containerd refuses such documents too.
        if (isIndex
            ? OciJson.TryGet(root, "config", out _) || OciJson.TryGet(root, "layers", out _)
            : OciJson.TryGet(root, "manifests", out _))
        {
            throw new OciFormatException($"{what}: the document is both an index and a manifest.");
        }

        Dictionary<string, string> annotations = OciJson.GetMap(root, "annotations", what);
        OciDescriptor? subject = OciJson.TryGet(root, "subject", out JsonElement s) ? OciJson.ReadDescriptor(s, what) : null;
        if (isIndex)
        {
            return new OciManifest(own, true, OciJson.GetDescriptors(root, "manifests", what), null, [], annotations, subject);
        }

        if (!OciJson.TryGet(root, "config", out JsonElement config))
        {
            throw new OciFormatException($"{what}: the manifest has no config.");
        }

        return new OciManifest(own, false, [], OciJson.ReadDescriptor(config, what), OciJson.GetDescriptors(root, "layers", what), annotations, subject);
    }
}
