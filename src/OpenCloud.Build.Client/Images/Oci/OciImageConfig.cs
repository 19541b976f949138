using System.Text.Json;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>The part of an image configuration that a listing and an import need.</summary>
/// <param name="Platform">The platform of the image; null when it states none.</param>
/// <param name="Created">When the image was created; null when it does not say.</param>
/// <param name="Author">The author; empty when it does not say.</param>
/// <param name="Labels">The labels given at the build.</param>
/// <param name="DiffIds">The digests of the uncompressed layers, lowest first.</param>
/// <param name="OperatingSystemVersion">The version of the operating system; empty when it does not say.</param>
/// <param name="OperatingSystemFeatures">The features that the operating system has to have.</param>
/// <remarks>OCI image specification, config.md. Docker's schema 2 configuration has the same fields.</remarks>
internal sealed record OciImageConfig(
    Platform? Platform,
    DateTimeOffset? Created,
    string Author,
    IReadOnlyDictionary<string, string> Labels,
    IReadOnlyList<ContentDigest> DiffIds,
    string OperatingSystemVersion,
    IReadOnlyList<string> OperatingSystemFeatures)
{
    /// <summary>Reads the configuration of an image from a source.</summary>
    /// <exception cref="OciFormatException">It is too large, does not match its descriptor, or is not a configuration.</exception>
    public static async Task<OciImageConfig> ReadAsync(IBlobSource source, OciDescriptor descriptor, CancellationToken cancellationToken)
    {
        Stream stream = await source.OpenAsync(descriptor.Digest, cancellationToken).ConfigureAwait(false);
        byte[] bytes = await BlobReading.ReadAllAsync(stream, descriptor, OciJson.MaxConfigBytes, source.Location, cancellationToken).ConfigureAwait(false);
        return Parse(bytes, $"{source.Location}: {descriptor.Digest}");
    }

    /// <summary>Reads the document.</summary>
    /// <exception cref="OciFormatException">The document is not a configuration.</exception>
    public static OciImageConfig Parse(ReadOnlyMemory<byte> json, string what) =>
        OciJson.Read(json, what, root => Parse(root, what));

    private static OciImageConfig Parse(System.Text.Json.JsonElement root, string what)
    {
        List<ContentDigest> diffIds = new();
        if (OciJson.TryGet(root, "rootfs", out JsonElement rootfs) && rootfs.ValueKind == System.Text.Json.JsonValueKind.Object)
        {
            foreach (string text in OciJson.GetStrings(rootfs, "diff_ids", what))
            {
                diffIds.Add(ContentDigest.TryParse(text, out ContentDigest digest)
                    ? digest
                    : throw new OciFormatException($"{what}: the diff id '{text}' is not a digest."));
            }
        }

        Dictionary<string, string> labels = OciJson.TryGet(root, "config", out JsonElement config) && config.ValueKind == System.Text.Json.JsonValueKind.Object
            ? OciJson.GetMap(config, "Labels", what)
            : [];
        return new OciImageConfig(
            OciJson.ReadPlatform(root, what),
            LenientJson.Time(root, "created"),
            OciJson.GetString(root, "author", what),
            labels,
            diffIds,
            OciJson.GetString(root, "os.version", what),
            OciJson.GetStrings(root, "os.features", what));
    }

    /// <summary>The names of the snapshots that an unpacked image consists of, lowest first; the last holds all layers.</summary>
    /// <remarks>OCI image specification, config.md, Layer ChainID.</remarks>
    public IReadOnlyList<ContentDigest> ChainIds()
    {
        List<ContentDigest> chain = new(DiffIds.Count);
        foreach (ContentDigest diffId in DiffIds)
        {
            chain.Add(chain.Count == 0
                ? diffId
                : ContentDigest.Of(System.Text.Encoding.ASCII.GetBytes($"{chain[^1]} {diffId}")));
        }

        return chain;
    }
}
