using System.Buffers;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>
/// A docker archive as older engines save it: a <c>manifest.json</c> that names configurations and layers by path. It has
/// no manifests and no digests of layers as stored, so both are made here, and each layer is held against the diff id that
/// the configuration gives it.
/// </summary>
/// <remarks>Format: moby, image/tarexport and image/spec/spec.md ("Combined Image JSON + Filesystem Changeset Format").</remarks>
internal static class DockerArchive
{
    private const int MaxImages = 10_000;
    private const int MaxLayers = 1_000;

    /// <summary>Makes manifests for the images of the archive and says where their contents are.</summary>
    /// <param name="tree">The archive.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="maxUnpacked">The most bytes that its layers may have in all when unpacked: they are only hashed, but that takes its time.</param>
    public static async Task<(IReadOnlyList<ArchivedImage> Images, Dictionary<ContentDigest, BlobLocation> Blobs)> ConvertAsync(
        IFileTree tree, CancellationToken cancellation, long maxUnpacked = ImageArchive.MaxUnpackedBytes)
    {
        var budget = new Budget(maxUnpacked);
        var what = $"'manifest.json' of '{tree.Location}'";
        var json = await BlobReading.ReadFileAsync(tree, "manifest.json", OciJson.MaxManifestBytes, cancellation).ConfigureAwait(false);
        var images = new List<ArchivedImage>();
        var blobs = new Dictionary<ContentDigest, BlobLocation>();
        var layers = new Dictionary<string, Layer>(StringComparer.Ordinal);
        foreach (var entry in ReadEntries(json, what))
        {
            var config = await BlobReading.ReadFileAsync(tree, entry.Config, OciJson.MaxConfigBytes, cancellation).ConfigureAwait(false);
            var configuration = OciImageConfig.Parse(config, $"'{entry.Config}' of '{tree.Location}'");
            if (configuration.DiffIds.Count != entry.Layers.Count)
            {
                throw new OciFormatException($"{what} lists {entry.Layers.Count} layers for '{entry.Config}', which has {configuration.DiffIds.Count}.");
            }

            var configDigest = ContentDigest.Of(config);
            blobs[configDigest] = new BlobLocation(string.Empty, config);
            var descriptors = new List<OciDescriptor>();
            for (var i = 0; i < entry.Layers.Count; i++)
            {
                var path = entry.Layers[i];
                if (!layers.TryGetValue(path, out var layer))
                {
                    layers[path] = layer = await HashAsync(tree, path, budget, cancellation).ConfigureAwait(false);
                }

                if (layer.DiffId != configuration.DiffIds[i])
                {
                    throw new OciFormatException($"'{path}' of '{tree.Location}' is {layer.DiffId}; '{entry.Config}' says {configuration.DiffIds[i]}.");
                }

                blobs[layer.Descriptor.Digest] = new BlobLocation(path, null);
                descriptors.Add(layer.Descriptor);
            }

            var manifest = WriteManifest(new OciDescriptor(OciMediaTypes.DockerConfig, configDigest, config.Length), descriptors);
            var target = new OciDescriptor(OciMediaTypes.DockerManifest, ContentDigest.Of(manifest), manifest.Length)
            {
                Platform = configuration.Platform,
            };
            blobs[target.Digest] = new BlobLocation(string.Empty, manifest);
            images.Add(new ArchivedImage(target, [.. entry.RepoTags.Select(Complete).Distinct(StringComparer.Ordinal)]));
        }

        return (images, blobs);
    }

    // Docker writes names as short as people do; elsewhere they are whole.
    private static string Complete(string name) =>
        ImageReference.TryParse(name, out var reference) ? reference.WithDefaultTag().ToString() : name;

    private static List<Entry> ReadEntries(byte[] json, string what)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Array || document.RootElement.GetArrayLength() is 0 or > MaxImages)
            {
                throw new OciFormatException($"{what} is not a list of at least one image.");
            }

            var entries = new List<Entry>();
            foreach (var element in document.RootElement.EnumerateArray())
            {
                if (element.ValueKind != JsonValueKind.Object)
                {
                    throw new OciFormatException($"{what} holds something that is not an object.");
                }

                var entry = new Entry(
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

    // One pass for both digests: of the bytes as they are and, through the decompressor, of what they unpack to.
    private static async Task<Layer> HashAsync(IFileTree tree, string path, Budget budget, CancellationToken cancellation)
    {
        var length = tree.GetLength(path) ?? throw new OciFormatException($"'{tree.Location}' has no layer '{path}'.");
        var raw = tree.Open(path);
        await using var disposal = raw.ConfigureAwait(false);
        using var stored = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var magic = new byte[2];
        var read = await raw.ReadAtLeastAsync(magic, 2, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        stored.AppendData(magic, 0, read);
        var compressed = read == 2 && magic is [0x1f, 0x8b];
        var buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            if (!compressed)
            {
                while ((read = await raw.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
                {
                    stored.AppendData(buffer, 0, read);
                }

                var digest = ContentDigest.FromSha256(stored.GetHashAndReset());
                return new Layer(new OciDescriptor(OciMediaTypes.DockerLayer, digest, length), digest);
            }

            using var unpacked = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var tee = new HashingStream(raw, stored, magic);
            var gzip = new GZipStream(tee, CompressionMode.Decompress, leaveOpen: true);
            await using (gzip.ConfigureAwait(false))
            {
                while ((read = await gzip.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
                {
                    if (!budget.Take(read))
                    {
                        throw new OciFormatException($"The layers of '{tree.Location}' are larger than {budget.All} bytes when unpacked; unpack it yourself if it is to be trusted.");
                    }

                    unpacked.AppendData(buffer, 0, read);
                }
            }

            // What follows the last member belongs to the stored bytes as well.
            while (await tee.ReadAsync(buffer, cancellation).ConfigureAwait(false) > 0)
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

    private static byte[] WriteManifest(OciDescriptor config, IReadOnlyList<OciDescriptor> layers)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonForm.Writer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("schemaVersion", 2);
            writer.WriteString("mediaType", OciMediaTypes.DockerManifest);
            writer.WritePropertyName("config");
            OciJsonWriter.Write(writer, config);
            writer.WriteStartArray("layers");
            foreach (var layer in layers)
            {
                OciJsonWriter.Write(writer, layer);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private sealed class Budget(long all)
    {
        private long _left = all;

        public long All { get; } = all;

        public bool Take(int count) => (_left -= count) >= 0;
    }

    private sealed record Entry(string Config, IReadOnlyList<string> RepoTags, IReadOnlyList<string> Layers);

    private sealed record Layer(OciDescriptor Descriptor, ContentDigest DiffId);

    // Gives back the bytes already taken for the magic number, then hashes all that is read from the file.
    private sealed class HashingStream(Stream inner, IncrementalHash hash, ReadOnlyMemory<byte> head) : Stream
    {
        private ReadOnlyMemory<byte> _head = head;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) =>
            ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_head.Length > 0)
            {
                var given = Math.Min(_head.Length, buffer.Length);
                _head[..given].CopyTo(buffer);
                _head = _head[given..];
                return given;
            }

            var read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            hash.AppendData(buffer.Span[..read]);
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
