using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images;

/// <summary>An image that can be read: the root of its tree, and its contents.</summary>
public sealed class OpenedImage : IDisposable
{
    private readonly IDisposable? _owned;

    internal OpenedImage(OciDescriptor target, IBlobSource source, IDisposable? owned = null)
    {
        Target = target;
        Source = source;
        _owned = owned;
    }

    /// <summary>An image of an archive, which stays open.</summary>
    public static OpenedImage Of(ImageArchive archive, ArchivedImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new OpenedImage(image.Target, archive);
    }

    /// <summary>The index or manifest.</summary>
    public OciDescriptor Target { get; }

    /// <summary>The contents.</summary>
    public IBlobSource Source { get; }

    /// <summary>Verifies that names are free in a store, or refer to this image there.</summary>
    /// <param name="store">The store.</param>
    /// <param name="namespace">The containerd namespace.</param>
    /// <param name="names">The names.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="ImageNameException">A name refers to another image.</exception>
    public async Task CheckNamesAsync(IImageStore store, string @namespace, IReadOnlyList<ImageReference> names, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(names);
        string target = Target.Digest.ToString();
        HashSet<string> wanted = [.. names.Select(n => store.HasNamespaces ? n.ToString() : n.ToFamiliarString())];
        ImageQuery query = new() { Namespaces = store.HasNamespaces ? [@namespace] : [], Name = wanted.Contains, NamesOnly = true };
        await foreach (ContainerImage there in store.ListAsync(query, cancellationToken).ConfigureAwait(false))
        {
            if (there.Digest != target && there.Id != target && !await HasConfigAsync(there.Id, cancellationToken).ConfigureAwait(false))
            {
                string place = store.HasNamespaces ? $"namespace '{@namespace}' of {store.Description}" : $"the {store.Description}";
                throw new ImageNameException($"'{there.Name}' already exists in {place} and is another image ({there.Digest ?? there.Id}).", exists: true);
            }
        }
    }

    // A Docker Engine's older store knows an image by its configuration alone.
    private async Task<bool> HasConfigAsync(string id, CancellationToken cancellationToken)
    {
        ImageTree tree = await ImageTree.ReadAsync(Source, Target, [], cancellationToken).ConfigureAwait(false);
        return tree.Nodes.Any(n => OciMediaTypes.IsConfig(n.Descriptor.MediaType) && n.Descriptor.Digest.ToString() == id);
    }

    /// <inheritdoc/>
    public void Dispose() => _owned?.Dispose();
}
