using System.IO.Compression;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>An image of an archive: where its tree starts, and its names.</summary>
/// <param name="Target">The index or manifest.</param>
/// <param name="Names">The full names; empty when the archive does not name it.</param>
public sealed record ArchivedImage(OciDescriptor Target, IReadOnlyList<string> Names);

/// <summary>Contents by digest. The reader verifies them.</summary>
public interface IBlobSource
{
    /// <summary>The name of the source in errors.</summary>
    public string Location { get; }

    /// <summary>The length of a content, or null when the source does not have it.</summary>
    public ValueTask<long?> GetLengthAsync(ContentDigest digest, CancellationToken cancellationToken);

    /// <summary>Opens a content; its bytes are not verified yet.</summary>
    public ValueTask<Stream> OpenAsync(ContentDigest digest, CancellationToken cancellationToken);
}

/// <summary>
/// Images in a file or directory: an OCI layout (directory or tar) or a docker archive, plain or compressed by gzip.
/// Nothing in it is trusted: sizes are bounded, paths come from digests, contents are verified against their digests.
/// </summary>
public sealed class ImageArchive : IBlobSource, IDisposable
{
    private const string LayoutFile = "oci-layout";
    private const string IndexFile = "index.json";
    private const string DockerFile = "manifest.json";

    // A gigabyte of gzip may expand to a terabyte of zeros.
    internal const long MaxUnpackedBytes = 64L * 1024 * 1024 * 1024;

    private readonly IFileTree _tree;
    private readonly Dictionary<ContentDigest, BlobLocation> _converted;

    private ImageArchive(IFileTree tree, string format, IReadOnlyList<ArchivedImage> images, Dictionary<ContentDigest, BlobLocation> converted)
    {
        _tree = tree;
        _converted = converted;
        Format = format;
        Images = images;
    }

    /// <summary>The path from which it was opened.</summary>
    public string Location => _tree.Location;

    /// <summary>The format: <c>oci</c> or <c>docker</c>.</summary>
    public string Format { get; }

    /// <summary>The images in it.</summary>
    public IReadOnlyList<ArchivedImage> Images { get; }

    /// <summary>Opens a directory or file and reads what images it holds.</summary>
    /// <exception cref="OciFormatException">It is neither an OCI layout nor a docker archive, or is damaged.</exception>
    public static async Task<ImageArchive> OpenAsync(string path, CancellationToken cancellationToken = default)
    {
        IFileTree tree = Directory.Exists(path) ? new DirectoryTree(path) : await OpenTarAsync(path, cancellationToken).ConfigureAwait(false);
        try
        {
            if (tree.GetLength(IndexFile) is not null && tree.GetLength(LayoutFile) is not null)
            {
                return new ImageArchive(tree, "oci", await OciLayoutIndex.ReadAsync(tree, cancellationToken).ConfigureAwait(false), []);
            }

            if (tree.GetLength(DockerFile) is not null)
            {
                (IReadOnlyList<ArchivedImage>? images, Dictionary<ContentDigest, BlobLocation>? blobs) = await DockerArchive.ConvertAsync(tree, cancellationToken).ConfigureAwait(false);
                return new ImageArchive(tree, "docker", images, blobs);
            }

            throw new OciFormatException(
                $"'{path}' is neither an OCI layout (no '{LayoutFile}' with an '{IndexFile}') nor a docker archive (no '{DockerFile}').");
        }
        catch
        {
            tree.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _tree.Dispose();

    ValueTask<long?> IBlobSource.GetLengthAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_converted.TryGetValue(digest, out BlobLocation blob) ? blob.Bytes?.Length ?? _tree.GetLength(blob.Path) : _tree.GetLength(OciLayoutIndex.BlobPath(digest)));

    ValueTask<Stream> IBlobSource.OpenAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_converted.TryGetValue(digest, out BlobLocation blob)
            ? blob.Bytes is { } bytes ? new MemoryStream(bytes, writable: false) : _tree.Open(blob.Path)
            : _tree.Open(OciLayoutIndex.BlobPath(digest)));

    private static async Task<IFileTree> OpenTarAsync(string path, CancellationToken cancellationToken)
    {
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.Asynchronous);
        byte[] magic = new byte[4];
        int read = RandomAccess.Read(handle, magic, 0);
        if (read >= 4 && magic is [0x28, 0xb5, 0x2f, 0xfd])
        {
            handle.Dispose();
            throw new OciFormatException($"'{path}' is compressed with zstd, which is not supported; unpack it first (zstd -d).");
        }

        if (read < 2 || magic[0] != 0x1f || magic[1] != 0x8b)
        {
            return TarTree.Open(path, handle);
        }

        using (handle)
        {
            return TarTree.Open(path, await UnpackAsync(path, cancellationToken).ConfigureAwait(false));
        }
    }

    // Contents are read in any order and more than once, so a compressed tar is unpacked once, into a file of this process alone.
    private static async Task<SafeFileHandle> UnpackAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await TemporaryFile.OpenHandleAsync(output => UnpackAsync(path, output, cancellationToken)).ConfigureAwait(false);
        }
        catch (InvalidDataException e)
        {
            throw new OciFormatException($"'{path}' is not valid gzip: {e.Message}", e);
        }
    }

    private static async Task UnpackAsync(string path, Stream output, CancellationToken cancellationToken)
    {
        GZipStream gzip = new(File.OpenRead(path), CompressionMode.Decompress);
        await using (gzip.ConfigureAwait(false))
        {
            byte[] buffer = new byte[128 * 1024];
            int count;
            while ((count = await gzip.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                if (output.Position + count > MaxUnpackedBytes)
                {
                    throw new OciFormatException($"'{path}' is larger than {MaxUnpackedBytes} bytes when unpacked. Unpack it yourself if you trust it.");
                }

                await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            }
        }
    }
}

/// <summary>Where a content of a converted archive is: in memory, or in a file of the archive.</summary>
internal readonly record struct BlobLocation(string Path, byte[]? Bytes);
