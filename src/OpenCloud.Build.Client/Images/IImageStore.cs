using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images;

/// <summary>A store of images: containerd's, or a Docker Engine's.</summary>
/// <remarks>The methods throw <see cref="ImageNameException"/> for names that are missing or taken.</remarks>
public interface IImageStore : IAsyncDisposable
{
    /// <summary>The store's name for users: <c>containerd at unix:///run/containerd/containerd.sock</c>.</summary>
    public string Description { get; }

    /// <summary>Whether the store has namespaces; a store without them ignores given namespaces.</summary>
    public bool HasNamespaces { get; }

    /// <summary>The namespaces; empty when the store has no namespaces.</summary>
    public Task<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken);

    /// <summary>The images by namespace and name, each as soon as it is read.</summary>
    public IAsyncEnumerable<ContainerImage> ListAsync(ImageQuery query, CancellationToken cancellationToken);

    /// <summary>Removes a name, and the contents that no other name refers to; false when there is no such name.</summary>
    public Task<bool> RemoveAsync(string @namespace, string name, bool force, CancellationToken cancellationToken);

    /// <summary>Adds another name for the target of a name, in the same namespace; <c>force</c> overwrites an existing name.</summary>
    public Task CopyAsync(string @namespace, string name, string newName, bool force, CancellationToken cancellationToken);

    /// <summary>Writes images as an OCI layout.</summary>
    public Task ExportAsync(string @namespace, IReadOnlyList<string> names, IReadOnlyList<Platform> platforms, IArchiveOutput output, IProgress<long>? progress, CancellationToken cancellationToken);

    /// <summary>Whether it keeps all platforms of an image; a Docker Engine with its older store keeps one.</summary>
    public Task<bool> KeepsPlatformsAsync(CancellationToken cancellationToken);

    /// <summary>Opens an image for reading. Of an index, a store may have less than all platforms; <c>platforms</c> are those that are wanted, all when empty.</summary>
    public Task<OpenedImage> OpenAsync(string @namespace, string name, IReadOnlyList<Platform> platforms, CancellationToken cancellationToken);

    /// <summary>Imports an image of a source; does not transfer contents that are present.</summary>
    public Task<ImageImportResult> ImportAsync(string @namespace, IBlobSource source, OciDescriptor target, IReadOnlyList<string> names, ImageImportOptions options, CancellationToken cancellationToken);
}

/// <summary>Options of an import.</summary>
/// <param name="Platforms">The platforms to import; all when empty.</param>
/// <param name="Force">Transfers contents even when the store has them.</param>
/// <param name="Progress">Receives the size of each finished content, also when it was not transferred.</param>
public sealed record ImageImportOptions(IReadOnlyList<Platform> Platforms, bool Force, IProgress<long>? Progress)
{
    /// <summary>How many contents are read from the source at the same time.</summary>
    public int AtOnce { get; init; } = 1;

    /// <summary>The registry and the repository that the contents come from; null when they come from elsewhere.</summary>
    public (string Registry, string Path)? Origin { get; init; }
}

/// <summary>The result of an import.</summary>
/// <param name="BytesMoved">The bytes sent to the store.</param>
/// <param name="ContentsMoved">The number of contents sent.</param>
/// <param name="ContentsPresent">The number of contents that the store already had.</param>
public sealed record ImageImportResult(long BytesMoved, int ContentsMoved, int ContentsPresent);

/// <summary>A name is missing in the store, or exists already.</summary>
public sealed class ImageNameException : Exception
{
    internal ImageNameException(string message, bool exists)
        : base(message) => Exists = exists;

    /// <summary>Whether the name exists; otherwise it is missing.</summary>
    public bool Exists { get; }
}
