using System.Runtime.CompilerServices;
using Grpc.Core;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Containerd.Images;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>The images of containerd.</summary>
internal sealed class ContainerdImageStore(ContainerdClient client, string address) : IImageStore
{
    // Enough to keep one connection busy; each holds one image's documents.
    private const int ReadsAtOnce = 16;

    // Above this one listing of all contents costs less than a question for each layer.
    private const int ManyImages = 64;

    /// <inheritdoc/>
    public string Description => $"containerd at {address}";

    /// <inheritdoc/>
    public bool HasNamespaces => true;

    /// <summary>The store's services.</summary>
    public ContainerdClient Client => client;

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellation) => client.ListNamespacesAsync(cancellation);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ContainerImage> ListAsync(ImageQuery query, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var namespaces = query.Namespaces.Count > 0
            ? query.Namespaces
            : await client.ListNamespacesAsync(cancellation).ConfigureAwait(false);
        foreach (var name in namespaces)
        {
            await foreach (var image in ListAsync(name, query, cancellation).ConfigureAwait(false))
            {
                yield return image;
            }
        }
    }

    /// <inheritdoc/>
    public Task<bool> RemoveAsync(string @namespace, string name, bool force, CancellationToken cancellation) =>
        client.DeleteImageAsync(@namespace, name, sync: true, cancellation);

    /// <inheritdoc/>
    public async Task CopyAsync(string @namespace, string name, string newName, bool force, CancellationToken cancellation)
    {
        var image = await client.GetImageAsync(@namespace, name, cancellation).ConfigureAwait(false)
            ?? throw new ImageNameException($"There is no image '{name}' in namespace '{@namespace}' of {Description}.", exists: false);
        var copy = new Image { Name = newName, Target = image.Target };
        foreach (var (key, value) in image.Labels)
        {
            copy.Labels[key] = value;
        }

        if (force)
        {
            await client.PutImageAsync(@namespace, copy, null, cancellation).ConfigureAwait(false);
            return;
        }

        try
        {
            await client.CreateImageAsync(@namespace, copy, cancellation).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
        {
            var there = await client.GetImageAsync(@namespace, newName, cancellation).ConfigureAwait(false);
            if (there?.Target?.Digest != image.Target?.Digest)
            {
                throw new ImageNameException($"'{newName}' exists in namespace '{@namespace}' of {Description} and is another image ({there?.Target?.Digest}).", exists: true);
            }
        }
    }

    /// <inheritdoc/>
    public async Task ExportAsync(string @namespace, IReadOnlyList<string> names, IReadOnlyList<Platform> platforms, IArchiveOutput output, IProgress<long>? progress, CancellationToken cancellation)
    {
        var content = client.Content(@namespace);
        var images = new List<ImageToWrite>();
        foreach (var name in names)
        {
            var image = await client.GetImageAsync(@namespace, name, cancellation).ConfigureAwait(false)
                ?? throw new ImageNameException($"There is no image '{name}' in namespace '{@namespace}' of {Description}.", exists: false);
            var target = new OciDescriptor(image.Target.MediaType, ContentDigest.Parse(image.Target.Digest), image.Target.Size);
            var tree = await ImageTree.ReadAsync(content, target, platforms, cancellation).ConfigureAwait(false);
            ImageCompleteness.Check(tree, name, platforms);
            images.Add(new ImageToWrite(target, [name], tree));
        }

        await ImageArchiveWriter.WriteAsync(output, images, content, progress, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<ImageImportResult> ImportAsync(string @namespace, ImageArchive archive, ArchivedImage image, IReadOnlyList<string> names, ImageImportOptions options, CancellationToken cancellation) =>
        new ContainerdImport(client, @namespace, archive, options).RunAsync(image.Target, names, cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => client.DisposeAsync();

    private async IAsyncEnumerable<ContainerImage> ListAsync(string @namespace, ImageQuery query, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var all = await client.ListImagesAsync(@namespace, cancellation).ConfigureAwait(false);
        var names = all.GroupBy(static i => i.Target?.Digest ?? string.Empty, StringComparer.Ordinal).ToDictionary(
            static g => g.Key, static IReadOnlyList<string> (g) => [.. g.Select(static i => i.Name)], StringComparer.Ordinal);
        var wanted = all.Where(i => query.MatchesDigest(i.Target?.Digest) && (query.Name is null || query.Name(i.Name))).ToList();
        if (query.Dangling is { } dangling)
        {
            wanted.RemoveAll(i => dangling == names[i.Target?.Digest ?? string.Empty].Any(static n => ImageReader.SplitName(n).Tag.Length > 0));
        }

        if (wanted.Count == 0)
        {
            yield break;
        }

        var store = await NamespaceReader.CreateAsync(client, @namespace, wanted.Count > ManyImages, cancellation).ConfigureAwait(false);
        var reader = new ImageReader(address, @namespace, store, names);
        await foreach (var image in OrderedReads.RunAsync(wanted, ReadsAtOnce, reader.ReadAsync, cancellation).ConfigureAwait(false))
        {
            if (query.MatchesPlatform(image))
            {
                yield return image;
            }
        }
    }
}
