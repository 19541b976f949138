using System.Security.Cryptography;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Session;

/// <summary>The contents of an OCI layout directory: files named by their digests below <c>blobs</c>.</summary>
/// <remarks>
/// OCI image specification, image-layout.md. Paths below <c>blobs</c> are made of checked digests only, so a daemon can name no
/// other file. A link in place of a content is not served.
/// </remarks>
internal sealed class LayoutContentStore : ISessionContentStore
{
    // As many as a directory output takes: each is a file, however small.
    private const int MaxContents = 100_000;

    private readonly DirectoryTree _tree;
    private readonly bool _canWrite;
    private readonly long _maxBytes;
    private readonly int _maxContents;
    private readonly UnixFileMode _mode = OutputPlace.UsualMode;
    private long _written;
    private int _contents;

    private LayoutContentStore(string directory, bool canWrite, long maxBytes, int maxContents)
    {
        _tree = new DirectoryTree(directory);
        _canWrite = canWrite;
        _maxBytes = maxBytes;
        _maxContents = maxContents;
    }

    public string Location => _tree.Location;

    /// <summary>The content that was written last; null when there is none.</summary>
    public ContentDigest? LastCommitted { get; private set; }

    /// <summary>Opens a layout for reading.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    public static LayoutContentStore OpenRead(string directory)
        => Directory.Exists(directory)
            ? new LayoutContentStore(directory, canWrite: false, 0, 0)
            : throw new DirectoryNotFoundException($"'{directory}' is not an OCI layout.");

    /// <summary>Opens a layout for reading and writing, with limits for all that is written. Its directories are made with the first content.</summary>
    public static LayoutContentStore OpenWrite(string directory, long maxBytes, int maxContents = MaxContents) => new(directory, canWrite: true, maxBytes, maxContents);

    public long? GetLength(ContentDigest digest) => _tree.GetLength(OciLayoutIndex.BlobPath(digest));

    public Stream Open(ContentDigest digest) => _tree.Open(OciLayoutIndex.BlobPath(digest));

    /// <exception cref="IOException">The engine has sent as many contents as are accepted.</exception>
    public IContentWriter? CreateWriter()
    {
        if (!_canWrite)
        {
            return null;
        }

        return Interlocked.Increment(ref _contents) <= _maxContents
            ? new Writer(this)
            : throw new IOException($"The engine sent more than the limit of {_maxContents} blobs to '{Location}'.");
    }

    private sealed class Writer : IContentWriter
    {
        private readonly LayoutContentStore _store;
        private readonly StagedFile _file;
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public Writer(LayoutContentStore store)
        {
            _store = store;
            string folder = Path.Combine(store.Location, "blobs", "sha256");
            Directory.CreateDirectory(folder);
            if (new DirectoryInfo(folder).LinkTarget is not null || Directory.GetParent(folder)!.LinkTarget is not null)
            {
                throw new IOException($"'{folder}' is, or is below, a symbolic link; blobs are not written through symbolic links.");
            }

            // Not a digest, so no reader of the layout takes it for a content until it has its name.
            _file = StagedFile.Create(Path.Combine(RealPaths.Resolve(folder) ?? folder, "content"), store._mode);
        }

        public ContentDigest CurrentDigest => ContentDigest.FromSha256(_hash.GetCurrentHash());

        public async Task WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            if (Interlocked.Add(ref _store._written, data.Length) > _store._maxBytes)
            {
                throw new IOException($"The engine sent more than the limit of {_store._maxBytes} bytes to '{_store.Location}'.");
            }

            await _file.Stream.WriteAsync(data, cancellationToken).ConfigureAwait(false);
            _hash.AppendData(data.Span);
        }

        public void Restart()
        {
            _file.Stream.SetLength(0);
            _file.Stream.Position = 0;
            _ = _hash.GetHashAndReset();
        }

        public void Commit()
        {
            ContentDigest digest = CurrentDigest;
            _file.PublishAs(Path.GetFileName(OciLayoutIndex.BlobPath(digest)));
            _store.LastCommitted = digest;
        }

        public void Dispose()
        {
            _file.Dispose();
            _hash.Dispose();
        }
    }
}
