using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Session;

/// <summary>Contents by digest, which a session serves to the daemon under a name.</summary>
internal interface ISessionContentStore
{
    /// <summary>The length of a content; null when it is missing.</summary>
    public long? GetLength(ContentDigest digest);

    /// <summary>Opens an existing content. The stream can seek.</summary>
    public Stream Open(ContentDigest digest);

    /// <summary>Begins a content; null when this store is read-only.</summary>
    public IContentWriter? CreateWriter();
}

/// <summary>A content that is being written. Unless it is committed, disposing removes all of it.</summary>
internal interface IContentWriter : IDisposable
{
    public Task WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    public void Restart();

    /// <summary>The digest of what was written so far.</summary>
    public ContentDigest CurrentDigest { get; }

    /// <summary>Makes the content appear under its digest.</summary>
    public void Commit();
}
