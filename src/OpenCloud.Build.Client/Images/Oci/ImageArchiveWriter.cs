using System.Text.Json;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Oci;

internal sealed record ImageToWrite(OciDescriptor Target, IReadOnlyList<string> Names, ImageTree Tree);

/// <summary>
/// Writes images as an OCI layout that docker loads too: beside <c>index.json</c> it has the <c>manifest.json</c> of docker
/// archives, whose paths refer to the same blobs. Every content is verified while it is written, and written once.
/// </summary>
internal static class ImageArchiveWriter
{
    /// <summary>Writes the images; <c>progress</c> gets each content's length after it is written.</summary>
    /// <exception cref="OciFormatException">A content does not match its descriptor.</exception>
    public static async Task WriteAsync(IArchiveOutput output, IReadOnlyList<ImageToWrite> images, IBlobSource source, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        await WriteBytesAsync(output, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray(), cancellationToken).ConfigureAwait(false);
        HashSet<ContentDigest> written = new();
        foreach (ImageTreeNode? node in images.SelectMany(static image => image.Tree.Nodes))
        {
            if (!written.Add(node.Descriptor.Digest))
            {
                continue;
            }

            Stream content = await source.OpenAsync(node.Descriptor.Digest, cancellationToken).ConfigureAwait(false);
            VerifyingStream verifying = new(content, node.Descriptor, source.Location);
            await using (verifying.ConfigureAwait(false))
            {
                await output.WriteAsync(OciLayoutIndex.BlobPath(node.Descriptor.Digest), node.Descriptor.Size, verifying, cancellationToken).ConfigureAwait(false);
            }

            progress?.Report(node.Descriptor.Size);
        }

        await WriteBytesAsync(output, "manifest.json", DockerManifest(images, source.Location), cancellationToken).ConfigureAwait(false);
        await WriteBytesAsync(output, "index.json", OciJsonWriter.Index(Named(images)), cancellationToken).ConfigureAwait(false);
        await output.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task WriteBytesAsync(IArchiveOutput output, string path, byte[] bytes, CancellationToken cancellationToken)
    {
        using MemoryStream stream = new(bytes, writable: false);
        await output.WriteAsync(path, bytes.Length, stream, cancellationToken).ConfigureAwait(false);
    }

    private static IEnumerable<OciDescriptor> Named(IReadOnlyList<ImageToWrite> images)
    {
        foreach (ImageToWrite image in images)
        {
            foreach (string name in image.Names.DefaultIfEmpty(string.Empty))
            {
                Dictionary<string, string> annotations = new(image.Target.Annotations, StringComparer.Ordinal);
                annotations.Remove(OciLayoutIndex.ImageNameAnnotation);
                annotations.Remove(OciLayoutIndex.RefNameAnnotation);
                if (name.Length > 0)
                {
                    annotations[OciLayoutIndex.ImageNameAnnotation] = name;
                    if (ImageReference.TryParse(name, out ImageReference? reference) && reference.Tag is { } tag)
                    {
                        annotations[OciLayoutIndex.RefNameAnnotation] = tag;
                    }
                }

                yield return image.Target with { Annotations = annotations };
            }
        }
    }

    // Docker's older engines know one platform per image: the one of this machine, or else the first.
    private static byte[] DockerManifest(IReadOnlyList<ImageToWrite> images, string location)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, JsonForm.Writer))
        {
            writer.WriteStartArray();
            foreach (ImageToWrite image in images)
            {
                List<(OciManifest Manifest, Platform? Platform)> candidates = new();
                foreach (ImageTreeNode? node in image.Tree.Nodes.Where(static n => OciMediaTypes.IsManifest(n.Descriptor.MediaType) && !n.Descriptor.IsAttestation))
                {
                    OciManifest manifest = OciManifest.Parse(node.Document!.Value, node.Descriptor.MediaType, location);
                    if (OciMediaTypes.IsConfig(manifest.Config!.MediaType) && image.Tree.Nodes.Any(n => n.Descriptor.Digest == manifest.Config.Digest))
                    {
                        candidates.Add((manifest, node.Descriptor.Platform));
                    }
                }

                if (candidates.Count == 0)
                {
                    continue;
                }

                int best = candidates.FindIndex(static c => c.Platform is { } platform && platform.Matches(Platform.Current));
                OciManifest chosen = candidates[Math.Max(best, 0)].Manifest;
                writer.WriteStartObject();
                writer.WriteString("Config", OciLayoutIndex.BlobPath(chosen.Config!.Digest));
                writer.WriteStartArray("RepoTags");
                foreach (string name in image.Names)
                {
                    // A name that is no tag makes docker refuse the whole archive.
                    if (ImageReference.TryParse(name, out ImageReference? reference) && reference is { Tag: not null, Digest: null })
                    {
                        writer.WriteStringValue(reference.ToString());
                    }
                }

                writer.WriteEndArray();
                writer.WriteStartArray("Layers");
                foreach (OciDescriptor layer in chosen.Layers)
                {
                    writer.WriteStringValue(OciLayoutIndex.BlobPath(layer.Digest));
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return stream.ToArray();
    }
}
