using System.Text.Json;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Selects the part of an image to push: a registry refuses an index that lists missing manifests.</summary>
internal static class ImageSelection
{
    /// <summary>The document to push and its descriptor: the image's own, or an index of the manifests that are present.</summary>
    public static (OciDescriptor Descriptor, ReadOnlyMemory<byte> Bytes) Of(ImageTree tree)
    {
        ImageTreeNode root = tree.Nodes[^1];
        HashSet<ContentDigest> there = [.. tree.Nodes.Select(static n => n.Descriptor.Digest)];
        OciManifest manifest = OciManifest.Parse(root.Document!.Value, root.Descriptor.MediaType, root.Descriptor.Digest.ToString());
        if (!manifest.IsIndex || manifest.Manifests.All(m => there.Contains(m.Digest)))
        {
            return (root.Descriptor, root.Document.Value);
        }

        // Preserves all other fields of the document, also unknown ones.
        JsonObject document = JsonNode.Parse(root.Document.Value.Span)!.AsObject();
        JsonArray kept = [.. document["manifests"]!.AsArray().Where(m => ContentDigest.TryParse((string?)m!["digest"], out ContentDigest digest) && there.Contains(digest)).Select(static m => m!.DeepClone())];
        document["manifests"] = kept;
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(document);
        return (root.Descriptor with { Digest = ContentDigest.Of(bytes), Size = bytes.Length }, bytes);
    }
}
