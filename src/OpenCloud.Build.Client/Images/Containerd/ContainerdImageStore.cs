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

    // Above this number, one listing of all contents costs less than a request for each layer.
    private const int ManyImages = 64;

    public string Description => $"containerd at {address}";

    public bool HasNamespaces => true;

    public ContainerdClient Client => client;

    public Task<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken) => client.ListNamespacesAsync(cancellationToken);

    public async IAsyncEnumerable<ContainerImage> ListAsync(ImageQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<string> namespaces = query.Namespaces.Count > 0
            ? query.Namespaces
            : await client.ListNamespacesAsync(cancellationToken).ConfigureAwait(false);
        foreach (string name in namespaces)
        {
            await foreach (ContainerImage? image in ListAsync(name, query, cancellationToken).ConfigureAwait(false))
            {
                yield return image;
            }
        }
    }

    public Task<bool> RemoveAsync(string @namespace, string name, bool force, CancellationToken cancellationToken) =>
        client.DeleteImageAsync(@namespace, name, sync: true, cancellationToken);

    public async Task CopyAsync(string @namespace, string name, string newName, bool force, CancellationToken cancellationToken)
    {
        Image image = await client.GetImageAsync(@namespace, name, cancellationToken).ConfigureAwait(false)
            ?? throw new ImageNameException($"The image '{name}' does not exist in namespace '{@namespace}' of {Description}.", exists: false);
        Image copy = new() { Name = newName, Target = image.Target };
        foreach ((string? key, string? value) in image.Labels)
        {
            copy.Labels[key] = value;
        }

        if (force)
        {
            await client.PutImageAsync(@namespace, copy, null, cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            await client.CreateImageAsync(@namespace, copy, cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
        {
            Image? there = await client.GetImageAsync(@namespace, newName, cancellationToken).ConfigureAwait(false);
            if (there?.Target?.Digest != image.Target?.Digest)
            {
                throw new ImageNameException($"'{newName}' already exists in namespace '{@namespace}' of {Description} and is another image ({there?.Target?.Digest}).", exists: true);
            }
        }
    }

    public async Task ExportAsync(string @namespace, IReadOnlyList<string> names, IReadOnlyList<Platform> platforms, IArchiveOutput output, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ContentClient content = client.Content(@namespace);
        List<ImageToWrite> images = new();
        foreach (string name in names)
        {
            Image image = await client.GetImageAsync(@namespace, name, cancellationToken).ConfigureAwait(false)
                ?? throw new ImageNameException($"The image '{name}' does not exist in namespace '{@namespace}' of {Description}.", exists: false);
            OciDescriptor target = TargetOf(image);
            ImageTree tree = await ImageTree.ReadAsync(content, target, platforms, cancellationToken).ConfigureAwait(false);
            ImageCompleteness.Check(tree, name, platforms);
            images.Add(new ImageToWrite(target, [name], tree));
        }

        await ImageArchiveWriter.WriteAsync(output, images, content, progress, cancellationToken).ConfigureAwait(false);
    }

    public Task<bool> KeepsPlatformsAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    public async Task<OpenedImage> OpenAsync(string @namespace, string name, IReadOnlyList<Platform> platforms, CancellationToken cancellationToken)
    {
        Image image = await client.GetImageAsync(@namespace, name, cancellationToken).ConfigureAwait(false)
            ?? throw new ImageNameException($"The image '{name}' does not exist in namespace '{@namespace}' of {Description}.", exists: false);
        return new OpenedImage(TargetOf(image), client.Content(@namespace));
    }

    public Task<ImageImportResult> ImportAsync(string @namespace, IBlobSource source, OciDescriptor target, IReadOnlyList<string> names, ImageImportOptions options, CancellationToken cancellationToken) =>
        new ContainerdImport(client, @namespace, source, options).RunAsync(target, names, cancellationToken);

    public ValueTask DisposeAsync() => client.DisposeAsync();

    private static OciDescriptor TargetOf(Image image) => new(image.Target.MediaType, ContentDigest.Parse(image.Target.Digest), image.Target.Size);

    private async IAsyncEnumerable<ContainerImage> ListAsync(string @namespace, ImageQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<Image> all = await client.ListImagesAsync(@namespace, cancellationToken).ConfigureAwait(false);
        Dictionary<string, IReadOnlyList<string>> names = all.GroupBy(static i => i.Target?.Digest ?? string.Empty, StringComparer.Ordinal).ToDictionary(
            static g => g.Key, static IReadOnlyList<string> (g) => [.. g.Select(static i => i.Name)], StringComparer.Ordinal);
        List<Image> wanted = all.Where(i => query.MatchesDigest(i.Target?.Digest) && (query.Name is null || query.Name(i.Name))).ToList();
        if (query.Dangling is { } dangling)
        {
            wanted.RemoveAll(i => dangling == names[i.Target?.Digest ?? string.Empty].Any(static n => ImageReader.SplitName(n).Tag.Length > 0));
        }

        if (wanted.Count == 0)
        {
            yield break;
        }

        if (query.NamesOnly)
        {
            foreach (Image image in wanted)
            {
                yield return ImageReader.Named(image, address, @namespace);
            }

            yield break;
        }

        NamespaceReader store = await NamespaceReader.CreateAsync(client, @namespace, wanted.Count > ManyImages, cancellationToken).ConfigureAwait(false);
        ImageReader reader = new(address, @namespace, store, names);
        await foreach (ContainerImage? image in OrderedReads.RunAsync(wanted, ReadsAtOnce, reader.ReadAsync, cancellationToken).ConfigureAwait(false))
        {
            if (query.MatchesPlatform(image))
            {
                yield return image;
            }
        }
    }
}
