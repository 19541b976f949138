namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Reads whole small contents, within a bound and held against their descriptors.</summary>
internal static class BlobReading
{
    /// <summary>Reads a content that is kept in memory.</summary>
    /// <exception cref="OciFormatException">It is larger than the bound, or not what the descriptor says.</exception>
    public static async Task<byte[]> ReadAllAsync(Stream content, OciDescriptor descriptor, int limit, string what, CancellationToken cancellation)
    {
        if (descriptor.Size > limit)
        {
            throw new OciFormatException($"{what}: {descriptor.Digest} is {descriptor.Size} bytes long; at most {limit} are read of a '{descriptor.MediaType}'.");
        }

        var verifying = new VerifyingStream(content, descriptor, what);
        await using var disposal = verifying.ConfigureAwait(false);
        var bytes = new byte[descriptor.Size];
        await verifying.ReadExactlyAsync(bytes, cancellation).ConfigureAwait(false);
        var more = await verifying.ReadAsync(new byte[1], cancellation).ConfigureAwait(false);
        return more == 0 ? bytes : throw new OciFormatException($"{what}: {descriptor.Digest} is longer than its descriptor says.");
    }

    /// <summary>Reads a file whose digest nothing says.</summary>
    public static async Task<byte[]> ReadFileAsync(IFileTree tree, string path, int limit, CancellationToken cancellation)
    {
        var length = tree.GetLength(path) ?? throw new OciFormatException($"'{tree.Location}' has no file '{path}'.");
        if (length > limit)
        {
            throw new OciFormatException($"'{path}' of '{tree.Location}' is {length} bytes long; at most {limit} are read.");
        }

        var stream = tree.Open(path);
        await using var disposal = stream.ConfigureAwait(false);
        var bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes, cancellation).ConfigureAwait(false);
        return bytes;
    }

    /// <summary>The maximum for a document of the media type.</summary>
    public static int LimitFor(string mediaType) =>
        OciMediaTypes.IsIndex(mediaType) || OciMediaTypes.IsManifest(mediaType) || mediaType.Length == 0
            ? OciJson.MaxManifestBytes
            : OciJson.MaxConfigBytes;
}
