using System.Runtime.CompilerServices;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Containerd.Images;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>
/// Imports one image into a namespace. A lease holds what is written until the name exists. On failure the lease is deleted, and the
/// garbage collector, which is waited for, removes what was written.
/// </summary>
internal sealed class ContainerdImport(ContainerdClient client, string @namespace, IBlobSource archive, ImageImportOptions options)
{
    private static readonly TimeSpan LeaseTime = TimeSpan.FromHours(24);
    private static readonly IReadOnlyDictionary<string, string> NoLabels = new Dictionary<string, string>();

    private long _bytes;
    private int _moved;
    private int _present;

    public async Task<ImageImportResult> RunAsync(OciDescriptor target, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        ImageTree tree = await ImageTree.ReadAsync(archive, target, options.Platforms, cancellationToken).ConfigureAwait(false);
        ImageCompleteness.Check(tree, names.Count > 0 ? names[0] : target.Digest.ToString(), options.Platforms);
        ContainerdLease lease = await client.LeaseAsync(@namespace, LeaseTime, cancellationToken).ConfigureAwait(false);
        bool done = false;
        try
        {
            ContentClient store = client.Content(@namespace, lease.Id);

            // The manifest's digest stands for everything below it, but only if all of that is present.
            ImageTree? there = options.Force ? null : await ImageTree.ReadAsync(store, target, options.Platforms, cancellationToken).ConfigureAwait(false);
            if (there is { Missing.Count: 0 } || (there is not null && Covers(there, tree)))
            {
                _present = tree.Nodes.Count;
                await HoldAsync(store, lease, tree, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                // What documents refer to goes before them. Repairs run the collector, and so go one by one.
                ParallelOptions side = new() { MaxDegreeOfParallelism = options.Force ? 1 : options.AtOnce, CancellationToken = cancellationToken };
                await Parallel.ForEachAsync(
                    tree.Nodes.Where(static n => n.Document is null), side, async (node, stop) => await PutAsync(store, lease, node, stop).ConfigureAwait(false)).ConfigureAwait(false);
                foreach (ImageTreeNode node in tree.Nodes.Where(static n => n.Document is not null))
                {
                    await PutAsync(store, lease, node, cancellationToken).ConfigureAwait(false);
                }
            }

            foreach (string name in names)
            {
                Image image = new()
                {
                    Name = name,
                    Target = new Protocol.Containerd.Types.ContentDescriptor { MediaType = target.MediaType, Digest = target.Digest.ToString(), Size = target.Size },
                };
                await client.PutImageAsync(@namespace, image, lease.Id, cancellationToken).ConfigureAwait(false);
            }

            done = true;
        }
        finally
        {
            await lease.ReleaseAsync(collect: !done).ConfigureAwait(false);
        }

        return new ImageImportResult(_bytes, _moved, _present);
    }

    /// <summary>The labels by which the garbage collector follows a document to what it refers to.</summary>
    /// <remarks>containerd, core/images/mediatypes.go (ChildGCLabels) and core/metadata/gc.go.</remarks>
    internal static Dictionary<string, string> CollectorLabels(IReadOnlyList<OciDescriptor> children)
    {
        Dictionary<string, string> labels = new(StringComparer.Ordinal);
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        foreach (OciDescriptor child in children)
        {
            string key = OciMediaTypes.IsConfig(child.MediaType) ? "containerd.io/gc.ref.content.config"
                : OciMediaTypes.IsManifest(child.MediaType) ? "containerd.io/gc.ref.content.m."
                : OciMediaTypes.IsLayer(child.MediaType) ? "containerd.io/gc.ref.content.l."
                : "containerd.io/gc.ref.content.";
            int index = counts.GetValueOrDefault(key);
            counts[key] = index + 1;
            labels[index > 0 || key.EndsWith('.') ? key + index : key] = child.Digest.ToString();
        }

        return labels;
    }

    private static bool Covers(ImageTree there, ImageTree wanted)
    {
        HashSet<ContentDigest> missing = there.Missing.Select(static m => m.Digest).ToHashSet();
        return !wanted.Nodes.Any(n => missing.Contains(n.Descriptor.Digest));
    }

    // Other names may be removed while this one is created, and the writer of the contents may have set no labels.
    private async Task HoldAsync(ContentClient store, ContainerdLease lease, ImageTree tree, CancellationToken cancellationToken)
    {
        foreach (ImageTreeNode node in tree.Nodes)
        {
            await client.HoldContentAsync(@namespace, lease.Id, node.Descriptor.Digest.ToString(), cancellationToken).ConfigureAwait(false);
            if (node.Children.Count > 0)
            {
                await store.SetLabelsAsync(node.Descriptor.Digest, CollectorLabels(node.Children), cancellationToken).ConfigureAwait(false);
            }

            options.Progress?.Report(node.Descriptor.Size);
        }
    }

    private async Task PutAsync(ContentClient store, ContainerdLease lease, ImageTreeNode node, CancellationToken cancellationToken)
    {
        ContentDigest digest = node.Descriptor.Digest;
        IReadOnlyDictionary<string, string> labels = node.Children.Count > 0 ? CollectorLabels(node.Children) : NoLabels;
        if (options.Origin is { } origin)
        {
            labels = new Dictionary<string, string>(labels, StringComparer.Ordinal) { [ContentClient.OriginLabel + origin.Registry] = origin.Path };
        }

        bool damaged = false;
        if (await store.InfoAsync(digest, cancellationToken).ConfigureAwait(false) is not null)
        {
            if (!options.Force)
            {
                await client.HoldContentAsync(@namespace, lease.Id, digest.ToString(), cancellationToken).ConfigureAwait(false);
                if (node.Children.Count > 0)
                {
                    await store.SetLabelsAsync(digest, labels, cancellationToken).ConfigureAwait(false);
                }

                Interlocked.Increment(ref _present);
                options.Progress?.Report(node.Descriptor.Size);
                return;
            }

            // A store never overwrites a content, so a damaged one is deleted first, file and all; a sound one stays.
            damaged = !await IsSoundAsync(store, node.Descriptor, cancellationToken).ConfigureAwait(false);
            if (damaged)
            {
                await store.DeleteAsync(digest, cancellationToken).ConfigureAwait(false);
                await client.CollectAsync(@namespace, cancellationToken).ConfigureAwait(false);
            }
        }

        Stream content = await archive.OpenAsync(digest, cancellationToken).ConfigureAwait(false);
        long written = await store.WriteAsync(node.Descriptor, content, labels, announce: !options.Force, cancellationToken).ConfigureAwait(false);
        Interlocked.Add(ref _bytes, written);
        Interlocked.Increment(ref _moved);
        if (options.Force)
        {
            await client.HoldContentAsync(@namespace, lease.Id, digest.ToString(), cancellationToken).ConfigureAwait(false);
        }

        if (damaged && !await IsSoundAsync(store, node.Descriptor, cancellationToken).ConfigureAwait(false))
        {
            throw new OciFormatException(
                $"{store.Location} has a damaged copy of {digest} that another namespace uses. Remove the images that use it in that namespace, then import again.");
        }

        options.Progress?.Report(node.Descriptor.Size);
    }

    private static async Task<bool> IsSoundAsync(ContentClient store, OciDescriptor descriptor, CancellationToken cancellationToken)
    {
        try
        {
            VerifyingStream stream = new(await store.OpenAsync(descriptor.Digest, cancellationToken).ConfigureAwait(false), descriptor, store.Location);
            await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
            await TarOutput.CopyAsync(stream, Stream.Null, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (OciFormatException)
        {
            return false;
        }
    }
}
