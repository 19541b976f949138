using Grpc.Core;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Containerd.Types;

namespace OpenCloud.Build.Client.Containers.Runtime;

/// <summary>An image of which containers can be made: the snapshot with all its layers, and its program.</summary>
internal sealed record UnpackedImage(string Snapshotter, string Snapshot, ImageProcess Process);

/// <summary>Unpacks an image of a namespace into snapshots, each named by the layers that it has; those that exist are used.</summary>
/// <remarks>containerd, core/unpack: the names of snapshots, and the label of a configuration that keeps them.</remarks>
internal sealed class ImageUnpacking(ContainerdClient client, ContainerdRuntime runtime)
{
    private const string UsualSnapshotter = "overlayfs";
    private const string PlainSnapshotter = "native";

    /// <summary>Unpacks an image under a lease.</summary>
    /// <exception cref="OciFormatException">The image is incomplete or damaged, or has no program for this processor.</exception>
    /// <exception cref="RpcException">containerd refused a request.</exception>
    public async Task<UnpackedImage> RunAsync(OciDescriptor target, string name, string lease, CancellationToken cancellationToken)
    {
        ContentClient content = client.Content(runtime.Namespace, lease);
        IReadOnlyList<Platform> platforms = [Platform.Current];
        ImageTree tree = await ImageTree.ReadAsync(content, target, platforms, cancellationToken).ConfigureAwait(false);
        ImageCompleteness.Check(tree, name, platforms);
        await ImageCompleteness.CheckPlatformAsync(content, tree, name, platforms, cancellationToken).ConfigureAwait(false);
        ImageTreeNode node = tree.Nodes.FirstOrDefault(static n => n.Document is not null && OciMediaTypes.IsManifest(n.Descriptor.MediaType) && !n.Descriptor.IsAttestation)
            ?? throw new OciFormatException($"The image '{name}' has nothing for {Platform.Current}.");
        OciManifest manifest = OciManifest.Parse(node.Document!.Value, node.Descriptor.MediaType, name);
        byte[] bytes = await content.TryReadAsync(manifest.Config!, OciJson.MaxConfigBytes, cancellationToken).ConfigureAwait(false)
            ?? throw new OciFormatException($"The configuration of the image '{name}' is missing in containerd.");
        OciImageConfig config = OciImageConfig.Parse(bytes, name);
        IReadOnlyList<ContentDigest> chain = config.ChainIds();
        if (chain.Count == 0 || chain.Count != manifest.Layers.Count)
        {
            throw new OciFormatException($"The image '{name}' has {manifest.Layers.Count} layers; its configuration lists {chain.Count}.");
        }

        ImageProcess process = ImageProcess.Parse(bytes, name);
        string snapshotter = await ChooseAsync(cancellationToken).ConfigureAwait(false);
        for (int i = 0; i < chain.Count; i++)
        {
            await UnpackAsync(snapshotter, manifest.Layers[i], config.DiffIds[i].ToString(), chain[i].ToString(), i == 0 ? string.Empty : chain[i - 1].ToString(), lease, cancellationToken).ConfigureAwait(false);
        }

        string top = chain[^1].ToString();
        await content.SetLabelsAsync(manifest.Config!.Digest, new Dictionary<string, string> { ["containerd.io/gc.ref.snapshot." + snapshotter] = top }, cancellationToken).ConfigureAwait(false);
        return new UnpackedImage(snapshotter, top, process);
    }

    private async Task<string> ChooseAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<string> there = await client.ListSnapshottersAsync(cancellationToken).ConfigureAwait(false);
        return there.Contains(UsualSnapshotter) ? UsualSnapshotter
            : there.Contains(PlainSnapshotter) ? PlainSnapshotter
            : throw new OciFormatException($"containerd has neither of the snapshotters {UsualSnapshotter} and {PlainSnapshotter}, into which images are unpacked.");
    }

    private async Task UnpackAsync(string snapshotter, OciDescriptor layer, string diffId, string name, string parent, string lease, CancellationToken cancellationToken)
    {
        if (await runtime.HasSnapshotAsync(snapshotter, name, cancellationToken).ConfigureAwait(false))
        {
            // The image that it belongs to may be removed meanwhile.
            await client.HoldAsync(runtime.Namespace, lease, name, "snapshots/" + snapshotter, cancellationToken).ConfigureAwait(false);
            return;
        }

        string key = $"opencloud-build-{Guid.NewGuid():n}";
        IReadOnlyList<Mount> mounts = await runtime.PrepareAsync(snapshotter, key, parent, lease, cancellationToken).ConfigureAwait(false);
        ContentDescriptor descriptor = new() { MediaType = layer.MediaType, Digest = layer.Digest.ToString(), Size = layer.Size };
        string applied = await runtime.ApplyAsync(descriptor, mounts, lease, cancellationToken).ConfigureAwait(false);
        if (applied != diffId)
        {
            throw new OciFormatException($"The layer {layer.Digest} is {applied} when it is unpacked; the image's configuration says {diffId}.");
        }

        try
        {
            await runtime.CommitAsync(snapshotter, name, key, lease, cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
        {
            // Another client unpacked the same layer meanwhile.
            await runtime.RemoveSnapshotAsync(snapshotter, key, cancellationToken).ConfigureAwait(false);
            await client.HoldAsync(runtime.Namespace, lease, name, "snapshots/" + snapshotter, cancellationToken).ConfigureAwait(false);
        }
    }
}
