using System.Collections.Concurrent;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>The contents of one image in a registry. Their sizes come from the manifests, without further requests. Safe for concurrent use.</summary>
internal sealed class RegistryBlobSource : IBlobSource, IOriginSource
{
    private const long MaxDocuments = 256L * 1024 * 1024;

    private readonly RegistryRepository _repository;
    private readonly IProgress<long>? _progress;
    private readonly ConcurrentDictionary<ContentDigest, OciDescriptor> _known = new();
    private readonly ConcurrentDictionary<ContentDigest, byte[]> _documents = new();
    private long _documentBytes;

    /// <summary>Starts at an index or manifest; <c>progress</c> gets the bytes of other contents as they arrive.</summary>
    public RegistryBlobSource(RegistryRepository repository, RegistryManifest root, IProgress<long>? progress = null)
    {
        _repository = repository;
        _progress = progress;
        Keep(root);
    }

    public string Location => _repository.Name;

    public async ValueTask<long?> GetLengthAsync(ContentDigest digest, CancellationToken cancellationToken)
    {
        if (!_documents.ContainsKey(digest) && _known.TryGetValue(digest, out OciDescriptor? descriptor) && IsDocument(descriptor))
        {
            // An index may list platforms that the registry does not have.
            if (await _repository.FindManifestAsync(digest.ToString(), cancellationToken).ConfigureAwait(false) is not { } found)
            {
                return null;
            }

            Keep(found with { Descriptor = found.Descriptor with { MediaType = descriptor.MediaType } });
        }

        return _documents.TryGetValue(digest, out byte[]? document) ? document.Length : _known.GetValueOrDefault(digest)?.Size;
    }

    public async ValueTask<Stream> OpenAsync(ContentDigest digest, CancellationToken cancellationToken)
    {
        if (_documents.TryGetValue(digest, out byte[]? document))
        {
            return new MemoryStream(document, writable: false);
        }

        OciDescriptor descriptor = _known.GetValueOrDefault(digest) ?? throw new OciFormatException($"{Location}: nothing refers to {digest}.");
        Stream content = await _repository.OpenBlobAsync(descriptor, cancellationToken).ConfigureAwait(false);
        return _progress is null ? content : new ReportingStream(content, _progress);
    }

    public ValueTask<IReadOnlyList<string>> FindOriginsAsync(ContentDigest digest, string registry, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<string>>(registry == _repository.Registry && _known.ContainsKey(digest) ? [_repository.Path] : []);

    private static bool IsDocument(OciDescriptor descriptor) => OciMediaTypes.IsIndex(descriptor.MediaType) || OciMediaTypes.IsManifest(descriptor.MediaType);

    private void Keep(RegistryManifest document)
    {
        if (Interlocked.Add(ref _documentBytes, document.Bytes.Length) > MaxDocuments)
        {
            throw new OciFormatException($"{Location}: the manifests of the image have more than {MaxDocuments} bytes.");
        }

        _documents[document.Descriptor.Digest] = document.Bytes;
        _known[document.Descriptor.Digest] = document.Descriptor;
        OciManifest manifest = OciManifest.Parse(document.Bytes, document.Descriptor.MediaType, $"{Location}@{document.Descriptor.Digest}");
        foreach (OciDescriptor child in manifest.Children)
        {
            _known.TryAdd(child.Digest, child);
        }
    }
}
