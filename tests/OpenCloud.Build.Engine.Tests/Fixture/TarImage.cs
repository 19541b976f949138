using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>
/// An image read out of an archive with an OCI layout in it (<c>docker save</c> from a containerd store, or BuildKit's
/// <c>oci</c> and <c>docker</c> exporters): its config, and its root file system as merged from its layers.
/// </summary>
/// <remarks>Names are decoded as UTF-8 by System.Formats.Tar; bytes that are not become U+FFFD.</remarks>
public sealed class TarImage
{
    private const string OpaqueMarker = ".wh..wh..opq";
    private const string WhiteoutPrefix = ".wh.";

    private TarImage(JsonElement index, string manifestDigest, JsonElement manifest, JsonElement config)
    {
        Index = index;
        ManifestDigest = manifestDigest;
        Manifest = manifest;
        Config = config;
    }

    /// <summary>The layout's <c>index.json</c>.</summary>
    public JsonElement Index { get; }

    /// <summary>The digest of this machine's manifest, <c>sha256:…</c>.</summary>
    public string ManifestDigest { get; }

    /// <summary>The manifest for this machine's architecture, or the only one.</summary>
    public JsonElement Manifest { get; }

    /// <summary>The digest of the image's config, <c>sha256:…</c>.</summary>
    public string ConfigDigest => Manifest.GetProperty("config").GetProperty("digest").GetString()!;

    /// <summary>The image's config: <c>config</c>, <c>rootfs</c>, <c>history</c>, …</summary>
    public JsonElement Config { get; }

    /// <summary>The root file system by path. The root itself is not in it.</summary>
    public IReadOnlyDictionary<string, TarImageEntry> Files { get; private set; } = new Dictionary<string, TarImageEntry>();

    /// <summary>Reads an image.</summary>
    /// <param name="archive">The archive; read to its end, need not be seekable.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<TarImage> ReadAsync(Stream archive, CancellationToken cancellationToken)
    {
        // Blobs come in any order and layers may be large: the archive goes to a file, and each blob is read from there.
        using ContextFolder folder = new();
        await using (FileStream copy = File.Create(folder.At("image.tar")))
        {
            await archive.CopyToAsync(copy, cancellationToken);
        }

        using LayoutFile layout = await LayoutFile.OpenAsync(folder.At("image.tar"), cancellationToken);
        JsonElement index = layout.ReadJson("index.json");
        (string digest, JsonElement manifest) = FindManifest(layout, index)
            ?? throw new InvalidDataException("the archive's index leads to no image manifest");
        JsonElement config = layout.ReadJson(BlobPath(manifest.GetProperty("config")));
        return new TarImage(index, digest, manifest, config)
        {
            Files = await MergeAsync(layout, manifest.GetProperty("layers"), cancellationToken),
        };
    }

    private static string BlobPath(JsonElement descriptor)
    {
        return "blobs/" + descriptor.GetProperty("digest").GetString()!.Replace(':', '/');
    }

    private static (string Digest, JsonElement Manifest)? FindManifest(LayoutFile layout, JsonElement index)
    {
        (string, JsonElement)? any = null;
        foreach (JsonElement descriptor in index.GetProperty("manifests").EnumerateArray())
        {
            // Attestations and other platforms' manifests may be named without being there.
            if (!layout.Has(BlobPath(descriptor)))
            {
                continue;
            }

            JsonElement document = layout.ReadJson(BlobPath(descriptor));
            if (document.TryGetProperty("manifests", out _))
            {
                if (FindManifest(layout, document) is { } found)
                {
                    return found;
                }

                continue;
            }

            string? architecture = descriptor.TryGetProperty("platform", out JsonElement platform)
                ? platform.GetProperty("architecture").GetString()
                : null;
            if (architecture == OwnArchitecture)
            {
                return (descriptor.GetProperty("digest").GetString()!, document);
            }

            // An attestation's manifest has the platform unknown/unknown.
            if (architecture != "unknown")
            {
                any ??= (descriptor.GetProperty("digest").GetString()!, document);
            }
        }

        return any;
    }

    private static string OwnArchitecture => RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64";

    private static async Task<SortedDictionary<string, TarImageEntry>> MergeAsync(
        LayoutFile layout, JsonElement layers, CancellationToken cancellationToken)
    {
        SortedDictionary<string, TarImageEntry> files = new(StringComparer.Ordinal);
        foreach (JsonElement descriptor in layers.EnumerateArray())
        {
            string mediaType = descriptor.GetProperty("mediaType").GetString()!;
            await using Stream blob = layout.Open(BlobPath(descriptor));
            await using Stream layer = mediaType switch
            {
                _ when mediaType.EndsWith("gzip", StringComparison.Ordinal) => new GZipStream(blob, CompressionMode.Decompress),
                _ when mediaType.EndsWith(".tar", StringComparison.Ordinal) => blob,
                _ => throw new InvalidDataException($"a layer of type {mediaType} is not understood"),
            };
            await ApplyAsync(files, layer, cancellationToken);
        }

        return files;
    }

    // Whiteouts remove what lower layers have, never what the same layer brings, wherever in the layer they are
    // (OCI image-spec, layer.md).
    private static async Task ApplyAsync(
        SortedDictionary<string, TarImageEntry> files, Stream layer, CancellationToken cancellationToken)
    {
        List<TarImageEntry> added = [];
        await using TarReader reader = new(layer);
        while (await reader.GetNextEntryAsync(cancellationToken: cancellationToken) is { } entry)
        {
            string path = entry.Name.TrimStart('.', '/') is { Length: > 0 } ? CleanPath(entry.Name) : "";
            if (path.Length == 0 || entry.EntryType == TarEntryType.GlobalExtendedAttributes)
            {
                continue;
            }

            string name = path[(path.LastIndexOf('/') + 1)..];
            string parent = path[..^name.Length];
            if (name == OpaqueMarker)
            {
                RemoveBelow(files, parent);
            }
            else if (name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
            {
                string removed = parent + name[WhiteoutPrefix.Length..];
                files.Remove(removed);
                RemoveBelow(files, removed + "/");
            }
            else
            {
                added.Add(await ReadEntryAsync(path, entry, cancellationToken));
            }
        }

        foreach (TarImageEntry entry in added)
        {
            if (entry.Type != TarEntryType.Directory)
            {
                RemoveBelow(files, entry.Path + "/");
            }

            files[entry.Path] = entry;
        }
    }

    private static string CleanPath(string name)
    {
        string path = name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
        return path.Trim('/');
    }

    private static void RemoveBelow(SortedDictionary<string, TarImageEntry> files, string prefix)
    {
        foreach (string path in files.Keys.Where(path => path.StartsWith(prefix, StringComparison.Ordinal)).ToList())
        {
            files.Remove(path);
        }
    }

    private static async Task<TarImageEntry> ReadEntryAsync(string path, TarEntry entry, CancellationToken cancellationToken)
    {
        string sha256 = "";
        if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
        {
            byte[] hash = entry.DataStream is { } data
                ? await SHA256.HashDataAsync(data, cancellationToken)
                : SHA256.HashData([]);
            sha256 = Convert.ToHexStringLower(hash);
        }

        bool isDevice = entry.EntryType is TarEntryType.CharacterDevice or TarEntryType.BlockDevice;
        PosixTarEntry? posix = isDevice ? entry as PosixTarEntry : null;
        return new TarImageEntry(
            path,
            entry.EntryType,
            entry.Mode,
            entry.Uid,
            entry.Gid,
            entry.Length,
            entry.LinkName,
            entry.ModificationTime,
            entry is PaxTarEntry pax ? pax.ExtendedAttributes : new Dictionary<string, string>(),
            posix?.DeviceMajor ?? 0,
            posix?.DeviceMinor ?? 0,
            sha256);
    }

    /// <summary>An archive on disk and where in it each file is.</summary>
    private sealed class LayoutFile : IDisposable
    {
        private readonly string _path;
        private readonly Dictionary<string, (long Offset, long Length)> _files = new(StringComparer.Ordinal);
        private readonly FileStream _stream;

        private LayoutFile(string path)
        {
            _path = path;
            _stream = File.OpenRead(path);
        }

        public static async Task<LayoutFile> OpenAsync(string path, CancellationToken cancellationToken)
        {
            LayoutFile layout = new(path);
            await using TarReader reader = new(layout._stream, leaveOpen: true);
            while (await reader.GetNextEntryAsync(cancellationToken: cancellationToken) is { } entry)
            {
                if (entry.DataStream is not null)
                {
                    layout._files[CleanPath(entry.Name)] = (entry.DataOffset, entry.Length);
                }
            }

            return layout;
        }

        public bool Has(string name)
        {
            return _files.ContainsKey(name);
        }

        public Stream Open(string name)
        {
            (long offset, long length) = _files.TryGetValue(name, out (long, long) found)
                ? found
                : throw new InvalidDataException($"the archive {_path} has no {name}");
            return new SliceStream(_stream, offset, length);
        }

        public JsonElement ReadJson(string name)
        {
            using Stream file = Open(name);
            using JsonDocument document = JsonDocument.Parse(file);
            return document.RootElement.Clone();
        }

        public void Dispose()
        {
            _stream.Dispose();
        }
    }

    /// <summary>A part of a file, read from its start to its end, leaving the file open.</summary>
    private sealed class SliceStream(FileStream file, long offset, long length) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            return Read(buffer.AsSpan(offset, count));
        }

        public override int Read(Span<byte> buffer)
        {
            int wanted = (int)Math.Min(buffer.Length, length - _position);
            int read = wanted == 0 ? 0 : RandomAccess.Read(file.SafeFileHandle, buffer[..wanted], offset + _position);
            _position += read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin)
        {
            throw new NotSupportedException();
        }

        public override void SetLength(long value)
        {
            throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            throw new NotSupportedException();
        }
    }
}
