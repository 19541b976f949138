using System.Text.Json;
using OpenCloud.Build.Client.Containerd;
using OpenCloud.Build.Client.Oci;

namespace OpenCloud.Build.Client.Docker;

/// <summary>Makes <see cref="ContainerImage"/>s of what a Docker Engine tells of its images.</summary>
/// <remarks>moby, api/swagger.yaml: ImageSummary, ImageManifestSummary (API 1.47), ImageInspect.</remarks>
internal sealed class DockerImageReader(string engine, EngineFacts facts)
{
    /// <summary>Reads a summary: one object for each name, or one for an image without names.</summary>
    public IEnumerable<ContainerImage> Read(JsonElement summary)
    {
        var id = summary.GetProperty("Id").GetString()!;
        var tags = Strings(summary, "RepoTags").Where(static t => t != "<none>:<none>").ToList();
        var digests = Strings(summary, "RepoDigests").Where(static d => d != "<none>@<none>" && d.Contains('@', StringComparison.Ordinal)).ToList();
        var size = summary.GetProperty("Size").GetInt64();
        var image = new ContainerImage
        {
            Name = "<none>",
            Repository = "<none>",
            Id = id,
            Engine = engine,
            Digest = FindDigest(id, digests),
            Created = DateTimeOffset.FromUnixTimeSeconds(summary.GetProperty("Created").GetInt64()),
            Size = size,
            Labels = Map(summary, "Labels"),
            RepoTags = tags,
            RepoDigests = facts.UsesContainerd ? WithDigest(tags, id, digests) : digests,
            IsDangling = tags.Count == 0,
            MediaType = summary.TryGetProperty("Descriptor", out var descriptor) && descriptor.ValueKind == JsonValueKind.Object
                ? descriptor.GetProperty("mediaType").GetString()!
                : string.Empty,
        };
        if (summary.TryGetProperty("Manifests", out var manifests) && manifests.ValueKind == JsonValueKind.Array)
        {
            image = WithManifests(image, manifests);
        }

        if (tags.Count == 0)
        {
            // An image that was pulled by digest has a repository and no tag.
            var repository = digests.Count > 0 ? digests[0][..digests[0].IndexOf('@', StringComparison.Ordinal)] : null;
            yield return repository is null || repository == "<none>" ? image : Named(image, repository);
        }

        foreach (var tag in tags)
        {
            yield return Named(image, tag);
        }
    }

    /// <summary>Adds what only the inspection of an image tells, where the listing has not told it.</summary>
    public static ContainerImage WithInspection(ContainerImage image, JsonElement inspection)
    {
        var platforms = image.Platforms;
        if (platforms.Count == 0
            && StatedPlatform.From(Text(inspection, "Os"), Text(inspection, "Architecture"), Text(inspection, "Variant")) is { } platform)
        {
            platforms = [new ContainerImagePlatform { Platform = platform, Created = image.Created }];
        }

        return image with
        {
            Platforms = platforms,
            Labels = image.Labels.Count == 0 && inspection.TryGetProperty("Config", out var config) && config.ValueKind == JsonValueKind.Object ? Map(config, "Labels") : image.Labels,
        };
    }

    private static ContainerImage Named(ContainerImage image, string name)
    {
        var (registry, repository, tag) = ImageReader.SplitName(name);
        return image with { Name = name, Registry = registry, Repository = repository, Tag = tag };
    }

    private static ContainerImage WithManifests(ContainerImage image, JsonElement manifests)
    {
        var platforms = new List<ContainerImagePlatform>();
        var attestations = 0;
        long? unpacked = null;
        var missing = false;
        foreach (var manifest in manifests.EnumerateArray())
        {
            var kind = Text(manifest, "Kind");
            if (kind == "attestation")
            {
                attestations++;
            }

            if (kind != "image" || !manifest.TryGetProperty("ImageData", out var data) || data.ValueKind != JsonValueKind.Object)
            {
                continue;
            }

            var available = manifest.GetProperty("Available").GetBoolean();
            var stated = data.GetProperty("Platform");
            if (StatedPlatform.From(Text(stated, "os"), Text(stated, "architecture"), Text(stated, "variant")) is not { } platform)
            {
                // Of an image whose contents are not all there the engine tells no platform.
                missing |= !available;
                continue;
            }

            long? layers = data.TryGetProperty("Size", out var dataSize) && dataSize.GetProperty("Unpacked").GetInt64() is > 0 and var bytes ? bytes : null;
            unpacked = layers is null ? unpacked : (unpacked ?? 0) + layers;
            platforms.Add(new ContainerImagePlatform
            {
                Platform = platform,
                Digest = ContentDigest.TryParse(Text(manifest, "ID"), out var digest) ? digest : null,
                ContentSize = manifest.TryGetProperty("Size", out var size) ? size.GetProperty("Content").GetInt64() : null,
                UnpackedSize = layers,
                IsComplete = available,
                IsPresent = available,
            });
        }

        return image with
        {
            Platforms = platforms,
            Attestations = attestations,
            UnpackedSize = unpacked,
            ContentSize = image.Size - (unpacked ?? 0),
            IsComplete = platforms.Count == 0 ? !missing : platforms.Any(static p => p.IsComplete),
            Problem = missing ? "Contents of it are missing, the engine says." : null,
            Created = missing && platforms.Count == 0 ? null : image.Created,
        };
    }

    // The listing of containerd's store gives the digest for one of the names, the inspection for each.
    private static List<string> WithDigest(List<string> tags, string id, List<string> digests) =>
        [.. digests.Union(tags.Select(tag => ImageReference.TryParse(tag, out var reference) ? $"{reference.FamiliarName}@{id}" : null).OfType<string>(), StringComparer.Ordinal)];

    private ContentDigest? FindDigest(string id, List<string> digests)
    {
        if (facts.UsesContainerd)
        {
            return ContentDigest.TryParse(id, out var target) ? target : null;
        }

        var text = digests.Count > 0 ? digests[0] : string.Empty;
        return ContentDigest.TryParse(text[(text.IndexOf('@', StringComparison.Ordinal) + 1)..], out var digest) ? digest : null;
    }

    private static string Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : string.Empty;

    private static List<string> Strings(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(static v => v.GetString() ?? string.Empty)]
            : [];

    private static Dictionary<string, string> Map(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject().ToDictionary(static p => p.Name, static p => p.Value.GetString() ?? string.Empty, StringComparer.Ordinal)
            : [];
}
