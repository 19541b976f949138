using System.Text.Json;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Docker;

/// <summary>Makes <see cref="ContainerImage"/>s from what a Docker Engine reports of its images.</summary>
/// <remarks>moby, api/swagger.yaml: ImageSummary, ImageManifestSummary (API 1.47), ImageInspect.</remarks>
internal sealed class DockerImageReader(string engine, EngineFacts facts)
{
    /// <summary>Reads a summary: one object for each name, or one for an image without names.</summary>
    public IEnumerable<ContainerImage> Read(JsonElement summary)
    {
        string id = DockerJson.Text(summary, "Id");
        if (id.Length == 0)
        {
            throw new DockerEngineException(null, $"{engine}: the list of images contains an image without an id.");
        }

        List<string> tags = DockerJson.Texts(summary, "RepoTags").Where(static t => t != "<none>:<none>").ToList();
        List<string> digests = DockerJson.Texts(summary, "RepoDigests").Where(static d => d != "<none>@<none>" && d.Contains('@', StringComparison.Ordinal)).ToList();
        long size = DockerJson.Number(summary, "Size");
        ContainerImage image = new()
        {
            Name = "<none>",
            StoreName = id,
            Repository = "<none>",
            Id = id,
            Store = engine,
            Digest = FindDigest(id, digests),
            Created = DockerJson.Time(summary, "Created"),
            Size = size,
            Labels = DockerJson.Map(summary, "Labels"),
            RepoTags = tags,
            RepoDigests = facts.UsesContainerd ? WithDigest(tags, id, digests) : digests,
            IsDangling = tags.Count == 0,
            MediaType = DockerJson.Find(summary, "Descriptor") is { } descriptor ? DockerJson.Text(descriptor, "mediaType") : string.Empty,
        };
        if (DockerJson.Find(summary, "Manifests") is { ValueKind: JsonValueKind.Array } manifests)
        {
            image = WithManifests(image, manifests);
        }

        if (tags.Count == 0)
        {
            // An image that was pulled by digest has a repository and no tag.
            string? repository = digests.Count > 0 ? digests[0][..digests[0].IndexOf('@', StringComparison.Ordinal)] : null;
            yield return repository is null || repository == "<none>" ? image : Named(image, repository);
        }

        foreach (string? tag in tags)
        {
            yield return Named(image, tag);
        }
    }

    /// <summary>Adds what only the inspection of an image reports, where the listing lacks it.</summary>
    public static ContainerImage WithInspection(ContainerImage image, JsonElement inspection)
    {
        IReadOnlyList<ContainerImagePlatform> platforms = image.Platforms;
        if (platforms.Count == 0
            && StatedPlatform.From(DockerJson.Text(inspection, "Os"), DockerJson.Text(inspection, "Architecture"), DockerJson.Text(inspection, "Variant")) is { } platform)
        {
            platforms = [new ContainerImagePlatform { Platform = platform.ToString(), Created = image.Created }];
        }

        return image with
        {
            Platforms = platforms,
            Labels = image.Labels.Count == 0 && DockerJson.Find(inspection, "Config") is { } config ? DockerJson.Map(config, "Labels") : image.Labels,
        };
    }

    private static ContainerImage Named(ContainerImage image, string name)
    {
        (string? registry, string? repository, string? tag) = ImageReader.SplitName(name);
        ImageReference? reference = ImageReader.ReferenceOf(name);
        return image with
        {
            Name = reference?.ToFamiliarString() ?? name,
            Reference = reference?.ToString(),
            // An image that was pulled by digest has no name in the store but its id.
            StoreName = tag.Length > 0 ? name : image.Id,
            Registry = registry,
            Repository = repository,
            Tag = tag,
        };
    }

    private static ContainerImage WithManifests(ContainerImage image, JsonElement manifests)
    {
        List<ContainerImagePlatform> platforms = new();
        int attestations = 0;
        long? unpacked = null;
        bool missing = false;
        foreach (JsonElement manifest in manifests.EnumerateArray())
        {
            string kind = DockerJson.Text(manifest, "Kind");
            if (kind == "attestation")
            {
                attestations++;
            }

            if (kind != "image" || DockerJson.Find(manifest, "ImageData") is not { ValueKind: JsonValueKind.Object } data)
            {
                continue;
            }

            bool available = DockerJson.Flag(manifest, "Available");
            if (DockerJson.Find(data, "Platform") is not { } stated
                || StatedPlatform.From(DockerJson.Text(stated, "os"), DockerJson.Text(stated, "architecture"), DockerJson.Text(stated, "variant")) is not { } platform)
            {
                // The engine reports no platform for an image whose contents are not all present.
                missing |= !available;
                continue;
            }

            long? layers = DockerJson.Find(data, "Size") is { } dataSize && DockerJson.Number(dataSize, "Unpacked") is > 0 and var bytes ? bytes : null;
            unpacked = layers is null ? unpacked : Sum(unpacked ?? 0, layers.Value);
            platforms.Add(new ContainerImagePlatform
            {
                Platform = platform.ToString(),
                Digest = ContentDigest.TryParse(DockerJson.Text(manifest, "ID"), out ContentDigest digest) ? digest.ToString() : null,
                ContentSize = DockerJson.Find(manifest, "Size") is { } size ? DockerJson.Number(size, "Content") : null,
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
            ContentSize = Math.Max(0, Math.Max(0, image.Size) - (unpacked ?? 0)),
            IsComplete = platforms.Count == 0 ? !missing : platforms.Any(static p => p.IsComplete),
            Problem = missing ? "The engine reports missing content." : null,
            Created = missing && platforms.Count == 0 ? null : image.Created,
        };
    }

    // The listing of containerd's store gives the digest for one of the names only, the inspection for each.
    private static List<string> WithDigest(List<string> tags, string id, List<string> digests) =>
        [.. digests.Union(tags.Select(tag => ImageReference.TryParse(tag, out ImageReference? reference) ? $"{reference.FamiliarName}@{id}" : null).OfType<string>(), StringComparer.Ordinal)];

    private string? FindDigest(string id, List<string> digests)
    {
        if (facts.UsesContainerd)
        {
            return ContentDigest.TryParse(id, out ContentDigest target) ? target.ToString() : null;
        }

        string text = digests.Count > 0 ? digests[0] : string.Empty;
        return ContentDigest.TryParse(text[(text.IndexOf('@', StringComparison.Ordinal) + 1)..], out ContentDigest digest) ? digest.ToString() : null;
    }

    // Saturates: these are the engine's numbers.
    private static long Sum(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;
}
