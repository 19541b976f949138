using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Session;

/// <summary>Contents by digest, which a session shows to the daemon under a name.</summary>
internal interface ISessionContentStore
{
    /// <summary>The length of a content; null when it is not there.</summary>
    public long? GetLength(ContentDigest digest);

    /// <summary>Opens a content that is there. The stream can seek.</summary>
    public Stream Open(ContentDigest digest);

    /// <summary>Begins a content; null when this store only reads.</summary>
    public IContentWriter? CreateWriter();
}

/// <summary>A content that is being written. Unless it is committed, nothing is left of it once it is disposed.</summary>
internal interface IContentWriter : IDisposable
{
    /// <summary>Appends.</summary>
    public Task WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>Starts over.</summary>
    public void Restart();

    /// <summary>The digest of what was written so far.</summary>
    public ContentDigest CurrentDigest { get; }

    /// <summary>Makes the content appear under its digest.</summary>
    public void Commit();
}
