using System.Text.Json;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>An image to be written: where it starts, its names, and what it consists of.</summary>
internal sealed record ImageToWrite(OciDescriptor Target, IReadOnlyList<string> Names, ImageTree Tree);

/// <summary>
/// Writes images as an OCI layout which docker loads too: beside <c>index.json</c> there is the <c>manifest.json</c> of docker
/// archives, whose paths lead to the same blobs. Every content is verified while it is written, and written once.
/// </summary>
internal static class ImageArchiveWriter
{
    /// <summary>Writes the images.</summary>
    /// <param name="output">What they are written to.</param>
    /// <param name="images">The images.</param>
    /// <param name="source">Where their contents are.</param>
    /// <param name="progress">Told of each content's length when it is written; may be nothing.</param>
    /// <param name="cancellation">Stops the writing.</param>
    /// <exception cref="OciFormatException">A content is not what its descriptor says.</exception>
    public static async Task WriteAsync(IArchiveOutput output, IReadOnlyList<ImageToWrite> images, IBlobSource source, IProgress<long>? progress, CancellationToken cancellation)
    {
        await WriteBytesAsync(output, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray(), cancellation).ConfigureAwait(false);
        var written = new HashSet<ContentDigest>();
        foreach (var node in images.SelectMany(static image => image.Tree.Nodes))
        {
            if (!written.Add(node.Descriptor.Digest))
            {
                continue;
            }

            var content = await source.OpenAsync(node.Descriptor.Digest, cancellation).ConfigureAwait(false);
            var verifying = new VerifyingStream(content, node.Descriptor, source.Location);
            await using (verifying.ConfigureAwait(false))
            {
                await output.WriteAsync(OciLayoutIndex.BlobPath(node.Descriptor.Digest), node.Descriptor.Size, verifying, cancellation).ConfigureAwait(false);
            }

            progress?.Report(node.Descriptor.Size);
        }

        await WriteBytesAsync(output, "manifest.json", DockerManifest(images, source.Location), cancellation).ConfigureAwait(false);
        await WriteBytesAsync(output, "index.json", Index(images), cancellation).ConfigureAwait(false);
        await output.CompleteAsync(cancellation).ConfigureAwait(false);
    }

    private static async Task WriteBytesAsync(IArchiveOutput output, string path, byte[] bytes, CancellationToken cancellation)
    {
        using var stream = new MemoryStream(bytes, writable: false);
        await output.WriteAsync(path, bytes.Length, stream, cancellation).ConfigureAwait(false);
    }

    private static byte[] Index(IReadOnlyList<ImageToWrite> images)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonForm.Writer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("schemaVersion", 2);
            writer.WriteString("mediaType", OciMediaTypes.Index);
            writer.WriteStartArray("manifests");
            foreach (var image in images)
            {
                foreach (var name in image.Names.DefaultIfEmpty(string.Empty))
                {
                    var annotations = new Dictionary<string, string>(image.Target.Annotations, StringComparer.Ordinal);
                    annotations.Remove(OciLayoutIndex.ImageNameAnnotation);
                    annotations.Remove(OciLayoutIndex.RefNameAnnotation);
                    if (name.Length > 0)
                    {
                        annotations[OciLayoutIndex.ImageNameAnnotation] = name;
                        if (ImageReference.TryParse(name, out var reference) && reference.Tag is { } tag)
                        {
                            annotations[OciLayoutIndex.RefNameAnnotation] = tag;
                        }
                    }

                    OciJsonWriter.Write(writer, image.Target with { Annotations = annotations });
                }
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    // Docker's older engines know one platform to an image: the one of this machine, else the first.
    private static byte[] DockerManifest(IReadOnlyList<ImageToWrite> images, string location)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonForm.Writer))
        {
            writer.WriteStartArray();
            foreach (var image in images)
            {
                var candidates = new List<(OciManifest Manifest, Platform? Platform)>();
                foreach (var node in image.Tree.Nodes.Where(static n => OciMediaTypes.IsManifest(n.Descriptor.MediaType) && !n.Descriptor.IsAttestation))
                {
                    var manifest = OciManifest.Parse(node.Document!.Value, node.Descriptor.MediaType, location);
                    if (OciMediaTypes.IsConfig(manifest.Config!.MediaType) && image.Tree.Nodes.Any(n => n.Descriptor.Digest == manifest.Config.Digest))
                    {
                        candidates.Add((manifest, node.Descriptor.Platform));
                    }
                }

                if (candidates.Count == 0)
                {
                    continue;
                }

                var best = candidates.FindIndex(static c => c.Platform is { } platform && platform.Matches(Platform.Current));
                var chosen = candidates[Math.Max(best, 0)].Manifest;
                writer.WriteStartObject();
                writer.WriteString("Config", OciLayoutIndex.BlobPath(chosen.Config!.Digest));
                writer.WriteStartArray("RepoTags");
                foreach (var name in image.Names)
                {
                    // A name that is no tag makes docker refuse the whole archive.
                    if (ImageReference.TryParse(name, out var reference) && reference is { Tag: not null, Digest: null })
                    {
                        writer.WriteStringValue(reference.ToString());
                    }
                }

                writer.WriteEndArray();
                writer.WriteStartArray("Layers");
                foreach (var layer in chosen.Layers)
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
