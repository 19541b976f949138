using Grpc.Core;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Containerd.Images;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>Makes a <see cref="ContainerImage"/> of a record of containerd's image store.</summary>
internal sealed class ImageReader(string engine, string @namespace, NamespaceReader store, IReadOnlyDictionary<string, IReadOnlyList<string>> namesByDigest)
{
    // As for any other walk; an index cannot list itself, but it can nest without end.
    private const int MaxDepth = 4;

    /// <summary>Reads an image. Damage and missing contents are reported in the object, not thrown.</summary>
    public async Task<ContainerImage> ReadAsync(Image record, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> names = namesByDigest.GetValueOrDefault(record.Target?.Digest ?? string.Empty, []);
        ContainerImage image = Named(record, engine, @namespace) with
        {
            Stored = record.CreatedAt.ToTime(),
            Updated = record.UpdatedAt.ToTime(),
            Created = record.CreatedAt.ToTime(),
            StoreLabels = new SortedDictionary<string, string>(record.Labels, StringComparer.Ordinal),
            RepoTags = [.. names.Select(ReferenceOf).Where(static n => n?.Tag is not null).Select(static n => n!.ToFamiliarString())],
            RepoDigests = [.. names.Select(n => RepoDigest(n, record.Target?.Digest)).OfType<string>().Distinct(StringComparer.Ordinal)],
            IsDangling = !names.Any(static n => SplitName(n).Tag.Length > 0),
        };
        if (record.Target is null || !ContentDigest.TryParse(record.Target.Digest, out ContentDigest digest))
        {
            return image with { IsComplete = false, Problem = $"Its target '{record.Target?.Digest}' is not a digest that this client can verify." };
        }

        Walk walk = new(store, cancellationToken);
        image = image with { Digest = digest.ToString() };
        try
        {
            await walk.AddAsync(new OciDescriptor(record.Target.MediaType, digest, record.Target.Size), 0).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OciFormatException or RpcException { StatusCode: not StatusCode.Unavailable })
        {
            image = image with { IsComplete = false, Problem = e.Message };
        }

        return walk.Complete(image);
    }

    /// <summary>The image from its record only: its name, its namespace and its target.</summary>
    public static ContainerImage Named(Image record, string address, string @namespace)
    {
        (string registry, string repository, string tag) = SplitName(record.Name);
        ImageReference? reference = ReferenceOf(record.Name);
        return new ContainerImage
        {
            Name = reference?.ToFamiliarString() ?? record.Name,
            Reference = reference?.ToString(),
            StoreName = record.Name,
            Registry = registry,
            Repository = repository,
            Tag = tag,
            Id = record.Target?.Digest ?? string.Empty,
            MediaType = record.Target?.MediaType ?? string.Empty,
            Namespace = @namespace,
            Store = address,
        };
    }

    /// <summary>The parts of a name; a name that is not an image reference is a repository without registry and tag.</summary>
    /// <remarks>
    /// Kubernetes' plugin also names an image by its bare digest, which would pass for the repository sha256 and a tag.
    /// </remarks>
    public static (string Registry, string Repository, string Tag) SplitName(string name) => ReferenceOf(name) is { } reference
        ? (reference.Domain, reference.FamiliarName, reference.Tag ?? string.Empty)
        : (string.Empty, name, string.Empty);

    /// <summary>The name as a reference; null when it is not one.</summary>
    public static ImageReference? ReferenceOf(string name) =>
        !ContentDigest.TryParse(name, out _) && ImageReference.TryParse(name, out ImageReference? reference) ? reference : null;

    private static string? RepoDigest(string name, string? digest) =>
        digest is not null && ReferenceOf(name) is { } reference ? $"{reference.FamiliarName}@{digest}" : null;

    private sealed class Walk(NamespaceReader store, CancellationToken cancellationToken)
    {
        private readonly HashSet<ContentDigest> _counted = [];
        private readonly HashSet<(string Snapshotter, ContentDigest Key)> _countedSnapshots = [];
        private readonly List<ContainerImagePlatform> _platforms = [];
        private readonly List<ContentDigest> _missing = [];
        private readonly List<ContentDigest> _missingManifests = [];
        private OciImageConfig? _shown;
        private Platform? _shownPlatform;
        private long _contentSize;
        private long? _unpackedSize;
        private int _attestations;

        public async Task AddAsync(OciDescriptor descriptor, int depth)
        {
            if (depth > MaxDepth)
            {
                throw new OciFormatException($"Its indexes are nested deeper than {MaxDepth}.");
            }

            if (!OciMediaTypes.IsIndex(descriptor.MediaType) && !OciMediaTypes.IsManifest(descriptor.MediaType))
            {
                await CountAsync(descriptor).ConfigureAwait(false);
                return;
            }

            if (await store.ReadManifestAsync(descriptor, cancellationToken).ConfigureAwait(false) is not { } manifest)
            {
                AddMissing(descriptor, depth);
                return;
            }

            Count(descriptor);
            if (!manifest.IsIndex)
            {
                await AddManifestAsync(descriptor, manifest).ConfigureAwait(false);
                return;
            }

            foreach (OciDescriptor child in manifest.Manifests)
            {
                await AddAsync(child, depth + 1).ConfigureAwait(false);
            }
        }

        public ContainerImage Complete(ContainerImage image)
        {
            IReadOnlyList<string> missing = ImageCompleteness.Missing(_platforms.Exists(static p => p.IsComplete), _missing, _missingManifests);
            return image with
            {
                Platforms = _platforms,
                Attestations = _attestations,
                ContentSize = _contentSize,
                UnpackedSize = _unpackedSize,
                Size = _contentSize + (_unpackedSize ?? 0),
                Created = _shown?.Created ?? image.Created,
                Labels = _shown?.Labels ?? image.Labels,
                Missing = missing,
                IsComplete = image.IsComplete && missing.Count == 0,
            };
        }

        private void AddMissing(OciDescriptor descriptor, int depth)
        {
            (depth == 0 ? _missing : _missingManifests).Add(descriptor.Digest);
            if (descriptor.IsAttestation)
            {
                _attestations++;
            }
            else if (descriptor.Platform is { } platform && !platform.IsUnknown())
            {
                _platforms.Add(new ContainerImagePlatform { Platform = platform.ToString(), Digest = descriptor.Digest.ToString(), IsComplete = false, IsPresent = false });
            }
        }

        private async Task AddManifestAsync(OciDescriptor descriptor, OciManifest manifest)
        {
            int missing = _missing.Count;
            foreach (OciDescriptor child in manifest.Children)
            {
                await CountAsync(child).ConfigureAwait(false);
            }

            if (descriptor.IsAttestation)
            {
                _attestations++;
                return;
            }

            OciImageConfig? config = OciMediaTypes.IsConfig(manifest.Config!.MediaType)
                ? await store.ReadConfigAsync(manifest.Config, cancellationToken).ConfigureAwait(false)
                : null;
            Platform? platform = descriptor.Platform ?? config?.Platform;
            if (platform is null || platform.IsUnknown())
            {
                return;
            }

            _platforms.Add(new ContainerImagePlatform
            {
                Platform = platform.ToString(),
                Digest = descriptor.Digest.ToString(),
                ConfigDigest = manifest.Config.Digest.ToString(),
                Created = config?.Created,
                ContentSize = manifest.Children.Append(descriptor).DistinctBy(static c => c.Digest).Sum(static c => c.Size),
                UnpackedSize = config is null ? null : await UnpackedAsync(config).ConfigureAwait(false),
                IsComplete = missing == _missing.Count,
            });

            // Labels and age are those of this machine's platform, or else of the first.
            if (config is not null && (_shown is null || (platform.Matches(Platform.Current) && !_shownPlatform!.Matches(Platform.Current))))
            {
                (_shown, _shownPlatform) = (config, platform);
            }
        }

        private async Task<long?> UnpackedAsync(OciImageConfig config)
        {
            if (store.FindSnapshots(config) is not var (snapshotter, chain))
            {
                return null;
            }

            long sum = 0;
            foreach (ContentDigest key in chain)
            {
                long size = await store.UsageAsync(snapshotter, key, cancellationToken).ConfigureAwait(false) ?? 0;
                sum += size;
                if (_countedSnapshots.Add((snapshotter, key)))
                {
                    _unpackedSize = (_unpackedSize ?? 0) + size;
                }
            }

            return sum;
        }

        private async Task CountAsync(OciDescriptor descriptor)
        {
            if (await store.HasAsync(descriptor.Digest, cancellationToken).ConfigureAwait(false))
            {
                Count(descriptor);
            }
            // Foreign layers are fetched from elsewhere when needed.
            else if (!OciMediaTypes.IsForeignLayer(descriptor.MediaType) && !_missing.Contains(descriptor.Digest))
            {
                _missing.Add(descriptor.Digest);
            }
        }

        private void Count(OciDescriptor descriptor)
        {
            if (_counted.Add(descriptor.Digest))
            {
                _contentSize += descriptor.Size;
            }
        }
    }
}
