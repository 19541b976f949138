using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Protocol.Containerd.Images;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>
/// Takes one image into a namespace. A lease holds what is written until the name is; when it fails the lease is given back
/// and the garbage collector, which is waited for, removes what was written.
/// </summary>
internal sealed class ContainerdImport(ContainerdClient client, string @namespace, IBlobSource archive, ImageImportOptions options)
{
    private static readonly TimeSpan LeaseTime = TimeSpan.FromHours(24);
    private static readonly IReadOnlyDictionary<string, string> NoLabels = new Dictionary<string, string>();

    private long _bytes;
    private int _moved;
    private int _present;

    /// <summary>Takes the image.</summary>
    public async Task<ImageImportResult> RunAsync(OciDescriptor target, IReadOnlyList<string> names, CancellationToken cancellation)
    {
        var tree = await ImageTree.ReadAsync(archive, target, options.Platforms, cancellation).ConfigureAwait(false);
        ImageCompleteness.Check(tree, names.Count > 0 ? names[0] : target.Digest.ToString(), options.Platforms);
        var lease = await client.LeaseAsync(@namespace, LeaseTime, cancellation).ConfigureAwait(false);
        var done = false;
        try
        {
            var store = client.Content(@namespace, lease.Id);

            // The digest of the manifest stands for all below it, but only if all of it is there.
            var there = options.Force ? null : await ImageTree.ReadAsync(store, target, options.Platforms, cancellation).ConfigureAwait(false);
            if (there is { Missing.Count: 0 } || (there is not null && Covers(there, tree)))
            {
                _present = tree.Nodes.Count;
                await HoldAsync(store, lease, tree, cancellation).ConfigureAwait(false);
            }
            else
            {
                foreach (var node in tree.Nodes)
                {
                    await PutAsync(store, lease, node, cancellation).ConfigureAwait(false);
                }
            }

            foreach (var name in names)
            {
                var image = new Image
                {
                    Name = name,
                    Target = new Protocol.Containerd.Types.ContentDescriptor { MediaType = target.MediaType, Digest = target.Digest.ToString(), Size = target.Size },
                };
                await client.PutImageAsync(@namespace, image, lease.Id, cancellation).ConfigureAwait(false);
            }

            done = true;
        }
        finally
        {
            await lease.ReleaseAsync(collect: !done).ConfigureAwait(false);
        }

        return new ImageImportResult(_bytes, _moved, _present);
    }

    /// <summary>What the garbage collector follows from a document to what it refers to.</summary>
    /// <remarks>containerd, core/images/mediatypes.go (ChildGCLabels) and core/metadata/gc.go.</remarks>
    internal static Dictionary<string, string> CollectorLabels(IReadOnlyList<OciDescriptor> children)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var child in children)
        {
            var key = OciMediaTypes.IsConfig(child.MediaType) ? "containerd.io/gc.ref.content.config"
                : OciMediaTypes.IsManifest(child.MediaType) ? "containerd.io/gc.ref.content.m."
                : OciMediaTypes.IsLayer(child.MediaType) ? "containerd.io/gc.ref.content.l."
                : "containerd.io/gc.ref.content.";
            var index = counts.GetValueOrDefault(key);
            counts[key] = index + 1;
            labels[index > 0 || key.EndsWith('.') ? key + index : key] = child.Digest.ToString();
        }

        return labels;
    }

    private static bool Covers(ImageTree there, ImageTree wanted)
    {
        var missing = there.Missing.Select(static m => m.Digest).ToHashSet();
        return !wanted.Nodes.Any(n => missing.Contains(n.Descriptor.Digest));
    }

    // Other names may be removed while this one is being made, and who wrote the contents may have set no labels.
    private async Task HoldAsync(ContentClient store, ContainerdLease lease, ImageTree tree, CancellationToken cancellation)
    {
        foreach (var node in tree.Nodes)
        {
            await client.HoldContentAsync(@namespace, lease.Id, node.Descriptor.Digest.ToString(), cancellation).ConfigureAwait(false);
            if (node.Children.Count > 0)
            {
                await store.SetLabelsAsync(node.Descriptor.Digest, CollectorLabels(node.Children), cancellation).ConfigureAwait(false);
            }

            options.Progress?.Report(node.Descriptor.Size);
        }
    }

    private async Task PutAsync(ContentClient store, ContainerdLease lease, ImageTreeNode node, CancellationToken cancellation)
    {
        var digest = node.Descriptor.Digest;
        var labels = node.Children.Count > 0 ? CollectorLabels(node.Children) : NoLabels;
        var damaged = false;
        if (await store.InfoAsync(digest, cancellation).ConfigureAwait(false) is not null)
        {
            if (!options.Force)
            {
                await client.HoldContentAsync(@namespace, lease.Id, digest.ToString(), cancellation).ConfigureAwait(false);
                if (labels.Count > 0)
                {
                    await store.SetLabelsAsync(digest, labels, cancellation).ConfigureAwait(false);
                }

                _present++;
                options.Progress?.Report(node.Descriptor.Size);
                return;
            }

            // A store never overwrites a content, so a damaged one has to go first, file and all; a sound one stays.
            damaged = !await IsSoundAsync(store, node.Descriptor, cancellation).ConfigureAwait(false);
            if (damaged)
            {
                await store.DeleteAsync(digest, cancellation).ConfigureAwait(false);
                await client.CollectAsync(@namespace, cancellation).ConfigureAwait(false);
            }
        }

        var content = await archive.OpenAsync(digest, cancellation).ConfigureAwait(false);
        _bytes += await store.WriteAsync(node.Descriptor, content, labels, announce: !options.Force, cancellation).ConfigureAwait(false);
        _moved++;
        if (options.Force)
        {
            await client.HoldContentAsync(@namespace, lease.Id, digest.ToString(), cancellation).ConfigureAwait(false);
        }

        if (damaged && !await IsSoundAsync(store, node.Descriptor, cancellation).ConfigureAwait(false))
        {
            throw new OciFormatException(
                $"{store.Location} has a damaged copy of {digest} that another namespace holds, and keeps it. Remove the images that use it there, then import again.");
        }

        options.Progress?.Report(node.Descriptor.Size);
    }

    private static async Task<bool> IsSoundAsync(ContentClient store, OciDescriptor descriptor, CancellationToken cancellation)
    {
        try
        {
            var stream = new VerifyingStream(await store.OpenAsync(descriptor.Digest, cancellation).ConfigureAwait(false), descriptor, store.Location);
            await using var disposal = stream.ConfigureAwait(false);
            await TarOutput.CopyAsync(stream, Stream.Null, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (OciFormatException)
        {
            return false;
        }
    }
}
