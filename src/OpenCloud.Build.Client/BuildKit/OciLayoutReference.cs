using System.Text.Json;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>An image in an OCI layout on this machine.</summary>
/// <param name="Path">The layout's directory; an absolute path.</param>
/// <param name="Digest">The digest of the image's manifest or index.</param>
/// <remarks>The layout is that of the OCI image specification, image-layout.md; tags are the annotation <c>org.opencontainers.image.ref.name</c>.</remarks>
internal sealed partial record OciLayoutReference(string Path, string Digest)
{
    /// <summary>How such a reference begins.</summary>
    public const string Scheme = "oci-layout://";

    private const string NameAnnotation = "org.opencontainers.image.ref.name";
    private const string DefaultTag = "latest";

    /// <summary>Reads <c>oci-layout://directory[:tag|@digest]</c> and looks the tag up.</summary>
    /// <exception cref="InvalidDataException">The directory is no layout, or has no such image; the message says what it has.</exception>
    public static OciLayoutReference Resolve(string text)
    {
        string rest = text[Scheme.Length..];
        string? digest = null;
        string? tag = null;
        if (DigestSuffix().Match(rest) is { Success: true } match)
        {
            digest = match.Groups[1].Value;
            rest = rest[..match.Index];
        }
        else if (rest.LastIndexOf(':') is var colon && colon > rest.LastIndexOf('/') && !Directory.Exists(rest))
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
        }

        string path = System.IO.Path.GetFullPath(rest);
        string indexPath = System.IO.Path.Combine(path, "index.json");
        if (!File.Exists(System.IO.Path.Combine(path, "oci-layout")) || !File.Exists(indexPath))
        {
            throw new InvalidDataException($"'{path}' is no OCI layout: it has no files oci-layout and index.json.");
        }

        digest ??= Find(indexPath, tag);
        string blob = System.IO.Path.Combine(path, "blobs", digest.Replace(':', System.IO.Path.DirectorySeparatorChar));
        return File.Exists(blob) ? new OciLayoutReference(path, digest) : throw new InvalidDataException($"The OCI layout '{path}' has no blob {digest}.");
    }

    private static string Find(string indexPath, string? tag)
    {
        List<(string Digest, string? Name)> images = [];
        try
        {
            using JsonDocument index = JsonDocument.Parse(File.ReadAllBytes(indexPath));
            foreach (JsonElement descriptor in index.RootElement.GetProperty("manifests").EnumerateArray())
            {
                string? name = descriptor.TryGetProperty("annotations", out JsonElement annotations) && annotations.TryGetProperty(NameAnnotation, out JsonElement value)
                    ? value.GetString()
                    : null;
                images.Add((descriptor.GetProperty("digest").GetString()!, name));
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{indexPath}' is no index of an OCI layout: {e.Message}", e);
        }

        foreach ((string digest, string? name) in images)
        {
            // Some tools write the tag, others the whole reference.
            if (name is not null && (name == (tag ?? DefaultTag) || name.EndsWith(":" + (tag ?? DefaultTag), StringComparison.Ordinal)))
            {
                return DigestForm().IsMatch(digest) ? digest : throw new InvalidDataException($"'{indexPath}' names the digest '{digest}', which is none.");
            }
        }

        if (tag is null && images.Count == 1 && DigestForm().IsMatch(images[0].Digest))
        {
            return images[0].Digest;
        }

        string names = images.Any(static i => i.Name is not null) ? "has " + string.Join(", ", images.Select(static i => i.Name ?? i.Digest)) : $"has {images.Count} images without a tag";
        throw new InvalidDataException($"The OCI layout '{System.IO.Path.GetDirectoryName(indexPath)}' has no image tagged '{tag ?? DefaultTag}'; it {names}.");
    }

    [GeneratedRegex(@"@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\z", RegexOptions.CultureInvariant)]
    private static partial Regex DigestSuffix();

    [GeneratedRegex(@"\A(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\z", RegexOptions.CultureInvariant)]
    private static partial Regex DigestForm();
}
