using System.Buffers;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>
/// A docker archive as older engines save it: a <c>manifest.json</c> that names configurations and layers by path. It has
/// no manifests and no digests of layers as stored. Both are made here, and each layer is verified against its diff id in
/// the configuration.
/// </summary>
/// <remarks>Format: moby, image/tarexport and image/spec/spec.md ("Combined Image JSON + Filesystem Changeset Format").</remarks>
internal static class DockerArchive
{
    private const int MaxImages = 10_000;
    private const int MaxLayers = 1_000;

    /// <summary>Makes manifests for the images and locates their contents.</summary>
    /// <remarks><c>maxUnpacked</c> bounds the bytes of all unpacked layers: they are only hashed, but that takes time.</remarks>
    public static async Task<(IReadOnlyList<ArchivedImage> Images, Dictionary<ContentDigest, BlobLocation> Blobs)> ConvertAsync(
        IFileTree tree, CancellationToken cancellationToken, long maxUnpacked = ImageArchive.MaxUnpackedBytes)
    {
        Budget budget = new(maxUnpacked);
        string what = $"'manifest.json' of '{tree.Location}'";
        byte[] json = await BlobReading.ReadFileAsync(tree, "manifest.json", OciJson.MaxManifestBytes, cancellationToken).ConfigureAwait(false);
        List<ArchivedImage> images = new();
        Dictionary<ContentDigest, BlobLocation> blobs = new();
        Dictionary<string, Layer> layers = new(StringComparer.Ordinal);
        foreach (Entry entry in ReadEntries(json, what))
        {
            byte[] config = await BlobReading.ReadFileAsync(tree, entry.Config, OciJson.MaxConfigBytes, cancellationToken).ConfigureAwait(false);
            OciImageConfig configuration = OciImageConfig.Parse(config, $"'{entry.Config}' of '{tree.Location}'");
            if (configuration.DiffIds.Count != entry.Layers.Count)
            {
                throw new OciFormatException($"{what} lists {entry.Layers.Count} layers for '{entry.Config}', which has {configuration.DiffIds.Count}.");
            }

            ContentDigest configDigest = ContentDigest.Of(config);
            blobs[configDigest] = new BlobLocation(string.Empty, config);
            List<OciDescriptor> descriptors = new();
            for (int i = 0; i < entry.Layers.Count; i++)
            {
                string path = entry.Layers[i];
                if (!layers.TryGetValue(path, out Layer? layer))
                {
                    layers[path] = layer = await HashAsync(tree, path, budget, cancellationToken).ConfigureAwait(false);
                }

                if (layer.DiffId != configuration.DiffIds[i])
                {
                    throw new OciFormatException($"'{path}' of '{tree.Location}' is {layer.DiffId}; '{entry.Config}' says {configuration.DiffIds[i]}.");
                }

                blobs[layer.Descriptor.Digest] = new BlobLocation(path, null);
                descriptors.Add(layer.Descriptor);
            }

            byte[] manifest = OciJsonWriter.Manifest(OciMediaTypes.DockerManifest, new OciDescriptor(OciMediaTypes.DockerConfig, configDigest, config.Length), descriptors);
            OciDescriptor target = new(OciMediaTypes.DockerManifest, ContentDigest.Of(manifest), manifest.Length)
            {
                Platform = configuration.Platform,
            };
            blobs[target.Digest] = new BlobLocation(string.Empty, manifest);
            images.Add(new ArchivedImage(target, [.. entry.RepoTags.Select(Complete).Distinct(StringComparer.Ordinal)]));
        }

        return (images, blobs);
    }

    // Docker writes short names, as people do; elsewhere names are complete.
    private static string Complete(string name) =>
        ImageReference.TryParse(name, out ImageReference? reference) ? reference.WithDefaultTag().ToString() : name;

    private static List<Entry> ReadEntries(byte[] json, string what)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Array || document.RootElement.GetArrayLength() is 0 or > MaxImages)
            {
                throw new OciFormatException($"{what} is not a list of at least one image.");
            }

            List<Entry> entries = new();
            foreach (JsonElement element in document.RootElement.EnumerateArray())
            {
                if (element.ValueKind != JsonValueKind.Object)
                {
                    throw new OciFormatException($"{what} contains an item that is not an object.");
                }

                Entry entry = new(
                    OciJson.GetString(element, "Config", what),
                    OciJson.GetStrings(element, "RepoTags", what),
                    OciJson.GetStrings(element, "Layers", what));
                if (entry.Config.Length == 0 || entry.Layers.Count > MaxLayers)
                {
                    throw new OciFormatException($"{what} has an image without configuration or with more than {MaxLayers} layers.");
                }

                entries.Add(entry);
            }

            return entries;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new OciFormatException($"{what} is not valid JSON: {e.Message}", e);
        }
    }

    // One pass for both digests: of the stored bytes and, through the decompressor, of the unpacked bytes.
    private static async Task<Layer> HashAsync(IFileTree tree, string path, Budget budget, CancellationToken cancellationToken)
    {
        long length = tree.GetLength(path) ?? throw new OciFormatException($"'{tree.Location}' has no layer '{path}'.");
        Stream raw = tree.Open(path);
        await using ConfiguredAsyncDisposable disposal = raw.ConfigureAwait(false);
        using IncrementalHash stored = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] magic = new byte[2];
        int read = await raw.ReadAtLeastAsync(magic, 2, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        stored.AppendData(magic, 0, read);
        bool compressed = read == 2 && magic is [0x1f, 0x8b];
        byte[] buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            if (!compressed)
            {
                while ((read = await raw.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                {
                    stored.AppendData(buffer, 0, read);
                }

                ContentDigest digest = ContentDigest.FromSha256(stored.GetHashAndReset());
                return new Layer(new OciDescriptor(OciMediaTypes.DockerLayer, digest, length), digest);
            }

            using IncrementalHash unpacked = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            HashingStream tee = new(raw, stored, magic);
            GZipStream gzip = new(tee, CompressionMode.Decompress, leaveOpen: true);
            await using (gzip.ConfigureAwait(false))
            {
                while ((read = await gzip.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                {
                    if (!budget.Take(read))
                    {
                        throw new OciFormatException($"The layers of '{tree.Location}' are larger than {budget.All} bytes when unpacked. Unpack the archive yourself if you trust it.");
                    }

                    unpacked.AppendData(buffer, 0, read);
                }
            }

            // Bytes after the last member belong to the stored bytes as well.
            while (await tee.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) > 0)
            {
            }

            return new Layer(
                new OciDescriptor(OciMediaTypes.DockerLayerGzip, ContentDigest.FromSha256(stored.GetHashAndReset()), length),
                ContentDigest.FromSha256(unpacked.GetHashAndReset()));
        }
        catch (InvalidDataException e)
        {
            throw new OciFormatException($"'{path}' of '{tree.Location}' is not valid gzip: {e.Message}", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private sealed class Budget(long all)
    {
        private long _left = all;

        public long All { get; } = all;

        public bool Take(int count) => (_left -= count) >= 0;
    }

    private sealed record Entry(string Config, IReadOnlyList<string> RepoTags, IReadOnlyList<string> Layers);

    private sealed record Layer(OciDescriptor Descriptor, ContentDigest DiffId);

    // Returns the bytes already read for the magic number, then hashes all that is read from the file.
    private sealed class HashingStream(Stream inner, IncrementalHash hash, ReadOnlyMemory<byte> head) : ForwardReadStream
    {
        private ReadOnlyMemory<byte> _head = head;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_head.Length > 0)
            {
                int given = Math.Min(_head.Length, buffer.Length);
                _head[..given].CopyTo(buffer);
                _head = _head[given..];
                return given;
            }

            int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            hash.AppendData(buffer.Span[..read]);
            return read;
        }
    }
}
