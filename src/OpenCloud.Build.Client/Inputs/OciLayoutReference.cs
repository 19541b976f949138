using System.Text.Json;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>An image in a local OCI layout: the absolute path of the layout, and the digest of the image's manifest or index.</summary>
/// <remarks>The layout is that of the OCI image specification, image-layout.md; tags are the annotation <c>org.opencontainers.image.ref.name</c>.</remarks>
internal sealed record OciLayoutReference(string Path, ContentDigest Digest)
{
    public const string Scheme = "oci-layout://";

    private const string DefaultTag = "latest";

    /// <summary>Parses <c>oci-layout://directory[:tag][@digest]</c> and resolves the tag; beside a digest the tag is only a name.</summary>
    /// <exception cref="InvalidDataException">The directory is not a layout, or does not have the image; the message lists its images.</exception>
    public static OciLayoutReference Resolve(string text)
    {
        string rest = text[Scheme.Length..];
        ContentDigest? digest = null;
        string? tag = null;
        if (rest.LastIndexOf('@') is var at and >= 0 && ContentDigest.TryParse(rest[(at + 1)..], out ContentDigest given))
        {
            digest = given;
            rest = rest[..at];
        }

        if (rest.LastIndexOf(':') is var colon && colon > rest.LastIndexOf('/') && !Directory.Exists(rest))
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
        }

        string path = System.IO.Path.GetFullPath(rest);
        string indexPath = System.IO.Path.Combine(path, "index.json");
        if (!File.Exists(System.IO.Path.Combine(path, "oci-layout")) || !File.Exists(indexPath))
        {
            throw new InvalidDataException($"'{path}' is not an OCI layout: the files oci-layout and index.json are missing.");
        }

        ContentDigest found = digest ?? Find(indexPath, tag);
        DirectoryTree tree = new(path);
        if (tree.IsThroughLink(OciLayoutIndex.BlobPath(found)))
        {
            throw new InvalidDataException($"The blobs of the OCI layout '{path}' are, or are below, a symbolic link; symbolic links in a layout are not followed.");
        }

        return tree.GetLength(OciLayoutIndex.BlobPath(found)) is not null
            ? new OciLayoutReference(path, found)
            : throw new InvalidDataException($"The OCI layout '{path}' has no blob {found}.");
    }

    private static byte[] ReadIndex(string path)
    {
        try
        {
            return InputFile.ReadRegular(path, OciJson.MaxManifestBytes).Bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"'{path}' cannot be read: {e.Message}.", e);
        }
    }

    private static ContentDigest Find(string indexPath, string? tag)
    {
        List<(ContentDigest Digest, string? Name)> images = [];
        try
        {
            using JsonDocument index = JsonDocument.Parse(ReadIndex(indexPath));
            foreach (JsonElement descriptor in index.RootElement.GetProperty("manifests").EnumerateArray())
            {
                ContentDigest digest = ContentDigest.Parse(descriptor.GetProperty("digest").GetString()!);
                images.Add((digest, Annotation(descriptor, OciLayoutIndex.RefNameAnnotation)));
                if (Annotation(descriptor, OciLayoutIndex.ImageNameAnnotation) is { } name)
                {
                    images.Add((digest, name));
                }
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"'{indexPath}' is not the index of an OCI layout: {e.Message}", e);
        }

        foreach ((ContentDigest digest, string? name) in images)
        {
            // Some tools write the tag, others the whole reference.
            if (name is not null && (name == (tag ?? DefaultTag) || name.EndsWith(":" + (tag ?? DefaultTag), StringComparison.Ordinal)))
            {
                return digest;
            }
        }

        if (tag is null && images.DistinctBy(static i => i.Digest).Count() == 1)
        {
            return images[0].Digest;
        }

        string names = images.Any(static i => i.Name is not null) ? "has " + string.Join(", ", images.Where(static i => i.Name is not null).Select(static i => i.Name)) : $"has {images.Count} images without a tag";
        throw new InvalidDataException($"The OCI layout '{System.IO.Path.GetDirectoryName(indexPath)}' has no image tagged '{tag ?? DefaultTag}'; it {names}.");
    }

    private static string? Annotation(JsonElement descriptor, string name)
        => descriptor.TryGetProperty("annotations", out JsonElement annotations) && annotations.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}
