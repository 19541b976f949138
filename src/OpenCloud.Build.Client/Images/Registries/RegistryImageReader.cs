using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Describes the images of a repository as a store does. Reads manifests and configurations, but no layers.</summary>
internal sealed class RegistryImageReader(RegistryRepository repository)
{
    private const int MaxDepth = 4;
    private const int MaxManifests = 1000;
    private const long MaxDocuments = 256L * 1024 * 1024;

    public async Task<ContainerImage?> ReadAsync(ImageReference reference, CancellationToken cancellationToken)
    {
        if (await repository.FindManifestAsync(reference.Digest ?? reference.Tag!, cancellationToken).ConfigureAwait(false) is not { } root)
        {
            return null;
        }

        Walk walk = new();
        string? problem = null;
        try
        {
            walk.Enter(root.Descriptor.Digest);
            await AddAsync(walk, root, null, 0, cancellationToken).ConfigureAwait(false);
        }
        catch (OciFormatException e)
        {
            problem = e.Message;
        }

        string digest = root.Descriptor.Digest.ToString();
        (OciImageConfig Config, Platform? Platform)? shown = walk.Configs.Find(static c => c.Platform is { } platform && platform.Matches(Platform.Current)) is { Config: not null } own ? own
            : walk.Configs.Count > 0 ? walk.Configs[0]
            : null;
        IReadOnlyList<string> missing = ImageCompleteness.Missing(walk.Platforms.Exists(static p => p.IsComplete), [], walk.MissingManifests);
        return new ContainerImage
        {
            Name = reference.ToFamiliarString(),
            Reference = reference.ToString(),
            StoreName = reference.ToString(),
            Registry = reference.Domain,
            Repository = reference.FamiliarName,
            Tag = reference.Tag ?? string.Empty,
            Digest = digest,
            Id = digest,
            MediaType = root.Descriptor.MediaType,
            Store = RegistryClient.StorePrefix + reference.Domain,
            Platforms = walk.Platforms,
            Attestations = walk.Attestations,
            Created = shown?.Config.Created,
            ContentSize = walk.Size,
            Size = walk.Size,
            Labels = shown?.Config.Labels ?? new Dictionary<string, string>(),
            RepoTags = reference.Tag is null ? [] : [reference.ToFamiliarString()],
            RepoDigests = [$"{reference.FamiliarName}@{digest}"],
            IsComplete = missing.Count == 0 && problem is null,
            Missing = missing,
            Problem = problem,
        };
    }

    private async Task AddAsync(Walk walk, RegistryManifest document, OciDescriptor? listed, int depth, CancellationToken cancellationToken)
    {
        if (depth > MaxDepth)
        {
            throw new OciFormatException($"Its indexes are nested deeper than {MaxDepth}.");
        }

        walk.Count(document.Descriptor);
        walk.Keep(document.Bytes.Length);
        OciManifest manifest = OciManifest.Parse(document.Bytes, document.Descriptor.MediaType, $"{repository.Name}@{document.Descriptor.Digest}");
        if (!manifest.IsIndex)
        {
            await AddManifestAsync(walk, document.Descriptor, manifest, listed, cancellationToken).ConfigureAwait(false);
            return;
        }

        foreach (OciDescriptor child in manifest.Manifests)
        {
            if (!walk.Enter(child.Digest))
            {
                continue;
            }

            if (await repository.FindManifestAsync(child.Digest.ToString(), cancellationToken).ConfigureAwait(false) is { } found)
            {
                await AddAsync(walk, found, child, depth + 1, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                walk.AddMissing(child);
            }
        }
    }

    private async Task AddManifestAsync(Walk walk, OciDescriptor descriptor, OciManifest manifest, OciDescriptor? listed, CancellationToken cancellationToken)
    {
        long size = descriptor.Size;
        foreach (OciDescriptor content in manifest.Children.DistinctBy(static c => c.Digest))
        {
            size += content.Size;
            walk.Count(content);
        }

        if (listed?.IsAttestation == true)
        {
            walk.Attestations++;
            return;
        }

        OciImageConfig? config = null;
        if (OciMediaTypes.IsConfig(manifest.Config!.MediaType))
        {
            walk.Keep(manifest.Config.Size);
            Stream stream = await repository.OpenBlobAsync(manifest.Config, cancellationToken).ConfigureAwait(false);
            byte[] bytes = await BlobReading.ReadAllAsync(stream, manifest.Config, OciJson.MaxConfigBytes, repository.Name, cancellationToken).ConfigureAwait(false);
            config = OciImageConfig.Parse(bytes, $"{repository.Name}@{manifest.Config.Digest}");
        }

        Platform? platform = listed?.Platform ?? config?.Platform;
        if (config is not null)
        {
            walk.Configs.Add((config, platform));
        }

        if (platform is not null && !platform.IsUnknown())
        {
            walk.Platforms.Add(new ContainerImagePlatform
            {
                Platform = platform.ToString(),
                Digest = descriptor.Digest.ToString(),
                ConfigDigest = manifest.Config.Digest.ToString(),
                Created = config?.Created,
                ContentSize = size,
            });
        }
    }

    private sealed class Walk
    {
        private readonly HashSet<ContentDigest> _counted = [];
        private readonly HashSet<ContentDigest> _entered = [];
        private long _documents;

        public List<ContainerImagePlatform> Platforms { get; } = [];

        public List<(OciImageConfig Config, Platform? Platform)> Configs { get; } = [];

        public List<ContentDigest> MissingManifests { get; } = [];

        public int Attestations { get; set; }

        public long Size { get; private set; }

        /// <summary>True for the first occurrence of a manifest; an index may list it many times.</summary>
        public bool Enter(ContentDigest digest)
        {
            if (!_entered.Add(digest))
            {
                return false;
            }

            if (_entered.Count > MaxManifests)
            {
                throw new OciFormatException($"It has more than {MaxManifests} manifests.");
            }

            return true;
        }

        public void Keep(long bytes)
        {
            _documents += bytes;
            if (_documents > MaxDocuments)
            {
                throw new OciFormatException($"Its manifests and configurations have more than {MaxDocuments} bytes.");
            }
        }

        public void AddMissing(OciDescriptor manifest)
        {
            MissingManifests.Add(manifest.Digest);
            if (manifest.IsAttestation)
            {
                Attestations++;
            }
            else if (manifest.Platform is { } platform && !platform.IsUnknown())
            {
                Platforms.Add(new ContainerImagePlatform { Platform = platform.ToString(), Digest = manifest.Digest.ToString(), IsComplete = false, IsPresent = false });
            }
        }

        public void Count(OciDescriptor descriptor) => Size += _counted.Add(descriptor.Digest) ? descriptor.Size : 0;
    }
}
