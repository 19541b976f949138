using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images;

/// <summary>Images and what can be done with them: containerd's, or a Docker Engine's.</summary>
internal interface IImageStore : IAsyncDisposable
{
    /// <summary>What it is, for people: <c>containerd at unix:///run/containerd/containerd.sock</c>.</summary>
    public string Description { get; }

    /// <summary>Whether names belong to namespaces.</summary>
    public bool HasNamespaces { get; }

    /// <summary>The namespaces; none when there is no such thing.</summary>
    public Task<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken);

    /// <summary>The images, by namespace and name, each as soon as it is read.</summary>
    public IAsyncEnumerable<ContainerImage> ListAsync(ImageQuery query, CancellationToken cancellationToken);

    /// <summary>Removes a name, and what no other name leads to.</summary>
    /// <returns>Whether there was such a name.</returns>
    public Task<bool> RemoveAsync(string @namespace, string name, bool force, CancellationToken cancellationToken);

    /// <summary>Gives the target of a name another name.</summary>
    /// <param name="namespace">The namespace of both.</param>
    /// <param name="name">The name there is.</param>
    /// <param name="newName">The name to be made.</param>
    /// <param name="force">Lets a name that exists point elsewhere.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public Task CopyAsync(string @namespace, string name, string newName, bool force, CancellationToken cancellationToken);

    /// <summary>Writes images as an OCI layout.</summary>
    public Task ExportAsync(string @namespace, IReadOnlyList<string> names, IReadOnlyList<Platform> platforms, IArchiveOutput output, IProgress<long>? progress, CancellationToken cancellationToken);

    /// <summary>Takes an image of an archive; what is there already is not moved.</summary>
    public Task<ImageImportResult> ImportAsync(string @namespace, ImageArchive archive, ArchivedImage image, IReadOnlyList<string> names, ImageImportOptions options, CancellationToken cancellationToken);
}

/// <summary>How an import is done.</summary>
/// <param name="Platforms">The platforms of an index to take; all when empty.</param>
/// <param name="Force">Moves contents although the store has them.</param>
/// <param name="Progress">Told of the bytes of each content that has been dealt with.</param>
internal sealed record ImageImportOptions(IReadOnlyList<Platform> Platforms, bool Force, IProgress<long>? Progress);

/// <summary>What an import did.</summary>
/// <param name="BytesMoved">The bytes sent to the store.</param>
/// <param name="ContentsMoved">How many contents were sent.</param>
/// <param name="ContentsPresent">How many contents the store had.</param>
internal sealed record ImageImportResult(long BytesMoved, int ContentsMoved, int ContentsPresent);

/// <summary>A name that is not in the store, or is in the way.</summary>
internal sealed class ImageNameException(string message, bool exists) : Exception(message)
{
    /// <summary>Whether the trouble is that the name exists; it is missing otherwise.</summary>
    public bool Exists { get; } = exists;
}
