using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>A client for registries (distribution API). It keeps connections and tokens until it is disposed. Safe for concurrent use.</summary>
/// <remarks>opencontainers/distribution-spec, spec.md; distribution, docs/spec/api.md. The methods throw <see cref="RegistryException"/>.</remarks>
public sealed class RegistryClient : IDisposable
{
    /// <summary>The prefix of <see cref="ContainerImage.Store"/> for an image in a registry.</summary>
    public const string StorePrefix = "registry://";

    private readonly ConcurrentDictionary<string, Lazy<IReadOnlyList<RegistryConnection>>> _hosts = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Creates a client; it connects at its first request.</summary>
    public RegistryClient(RegistryOptions options) => Options = options;

    /// <summary>The options.</summary>
    public RegistryOptions Options { get; }

    /// <summary>Verifies that a registry answers and accepts the credentials. Fails when it does not ask for those that the options have for it.</summary>
    /// <returns>The host that answered.</returns>
    public async Task<string> PingAsync(string host, CancellationToken cancellationToken)
    {
        RegistryConnection connection = Connections(host)[^1];
        bool isVerified = await connection.PingAsync(cancellationToken).ConfigureAwait(false);
        if (!isVerified && Options.Credentials.Keys.Any(k => RegistryHosts.AreSame(RegistryHosts.KeyOf(k), RegistryHosts.KeyOf(host))))
        {
            throw new RegistryException(RegistryFailure.Invalid, host, $"The registry {host} did not ask for credentials. The login is not verified.");
        }

        return connection.Host;
    }

    /// <summary>
    /// Pushes an image: first its contents, several at the same time and only those that the registry lacks; then its manifests; the tags last, so
    /// that no tag refers to an incomplete image.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="names">References with tags, all of one repository.</param>
    /// <param name="platforms">The platforms to push; all available ones when empty. A subset of the platforms makes another index.</param>
    /// <param name="progress">Gets the number of bytes done.</param>
    /// <param name="onTotal">Called with the size of the whole image before the push begins.</param>
    /// <param name="cancellationToken">Cancels the push; nothing is tagged then.</param>
    /// <exception cref="OciFormatException">The image is damaged or incomplete. Nothing was tagged.</exception>
    public Task<ImagePushResult> SendAsync(
        OpenedImage image, IReadOnlyList<ImageReference> names, IReadOnlyList<Platform> platforms, IProgress<long>? progress, Action<long>? onTotal, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(names);
        string[] tags = [.. names.Select(static n => n.Tag ?? throw new ArgumentException("A name has no tag.", nameof(names))).Distinct(StringComparer.Ordinal)];
        return names.Count == 0 || names.Any(n => n.Name != names[0].Name)
            ? throw new ArgumentException("The names are not of one repository.", nameof(names))
            : new ImagePush(Repository(names[0]), image.Source, progress) { OnTotal = onTotal }.RunAsync(image.Target, names[0].ToString(), platforms, tags, cancellationToken);
    }

    /// <summary>Opens an image by tag or digest. Reads and verifies its manifests; other contents are verified when they are read.</summary>
    /// <param name="reference">The reference; <c>latest</c> when it has neither tag nor digest.</param>
    /// <param name="platforms">The platforms; all when empty.</param>
    /// <param name="progress">Gets the bytes of contents as they arrive.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="OciFormatException">The image is damaged, or lacks all of the platforms.</exception>
    public async Task<RegistryImage> OpenAsync(ImageReference reference, IReadOnlyList<Platform> platforms, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ImageReference whole = reference.WithDefaultTag();
        RegistryRepository repository = Repository(whole);
        RegistryManifest root = await repository.GetManifestAsync(whole.Digest ?? whole.Tag!, cancellationToken).ConfigureAwait(false);
        RegistryBlobSource source = new(repository, root, progress);
        ImageTree tree = await ImageTree.ReadAsync(source, root.Descriptor, platforms, cancellationToken).ConfigureAwait(false);
        ImageCompleteness.Check(tree, whole.ToString(), platforms);
        return new RegistryImage(whole, tree, source, platforms, Options.AtOnce);
    }

    /// <summary>Lists the tags of a repository as their pages arrive.</summary>
    public IAsyncEnumerable<string> ListTagsAsync(ImageReference repository, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        return Repository(repository).ListTagsAsync(cancellationToken);
    }

    /// <summary>Describes the images of tags or digests, in order, as a store does. Omits images that do not exist or do not match.</summary>
    public async IAsyncEnumerable<ContainerImage> DescribeAsync(IReadOnlyList<ImageReference> references, ImageQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(references);
        ArgumentNullException.ThrowIfNull(query);
        IAsyncEnumerable<ContainerImage?> all = OrderedReads.RunAsync(
            references, Options.AtOnce, (reference, stop) => new RegistryImageReader(Repository(reference)).ReadAsync(reference.WithDefaultTag(), stop), cancellationToken);
        await foreach (ContainerImage? image in all.ConfigureAwait(false))
        {
            if (image is not null && query.MatchesDigest(image.Digest) && query.MatchesPlatform(image))
            {
                yield return image;
            }
        }
    }

    /// <summary>
    /// Lists a registry's signatures of an image or of one of its platforms: artifacts that refer to them, and cosign's tags. Verifies
    /// nothing.
    /// </summary>
    public async Task<IReadOnlyList<ContainerImageAttestation>> ListSignaturesAsync(RegistryImage image, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        RegistryRepository repository = Repository(image.Reference);
        List<ContainerImageAttestation> found = [];
        foreach ((OciDescriptor subject, string platform) in image.Subjects)
        {
            foreach (OciDescriptor referrer in await repository.ListReferrersAsync(subject.Digest, cancellationToken).ConfigureAwait(false))
            {
                if (referrer.ArtifactType.Contains("sigstore", StringComparison.OrdinalIgnoreCase) || referrer.ArtifactType.Contains("cosign", StringComparison.OrdinalIgnoreCase)
                    || referrer.ArtifactType.Contains("notary", StringComparison.OrdinalIgnoreCase) || referrer.ArtifactType.Contains("signature", StringComparison.OrdinalIgnoreCase))
                {
                    Add(referrer, referrer.ArtifactType);
                }
            }

            // sigstore/cosign, specs/SIGNATURE_SPEC.md: a signature's tag is derived from the digest.
            if (await repository.FindManifestAsync($"{subject.Digest.Algorithm}-{subject.Digest.Hex}.sig", cancellationToken).ConfigureAwait(false) is { } tagged)
            {
                Add(tagged.Descriptor, "application/vnd.dev.cosign.simplesigning.v1+json");
            }

            void Add(OciDescriptor signature, string type) => found.Add(new ContainerImageAttestation
            {
                Image = image.Reference.ToString(),
                Platform = platform,
                Kind = AttestationKind.Signature,
                PredicateType = type,
                Subject = subject.Digest.ToString(),
                Digest = signature.Digest.ToString(),
                Size = signature.Size,
            });
        }

        return found;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (RegistryConnection connection in _hosts.Values.Where(static h => h.IsValueCreated).SelectMany(static h => h.Value))
        {
            connection.Dispose();
        }
    }

    internal RegistryRepository Repository(ImageReference reference) => new(Connections(reference.Domain), reference.Domain, reference.Path, Options);

    private IReadOnlyList<RegistryConnection> Connections(string host) => _hosts.GetOrAdd(
        host,
        name => new Lazy<IReadOnlyList<RegistryConnection>>(() => [.. Options.Settings.EndpointsOf(name, Options.AllowInsecure).Select(e => new RegistryConnection(e, Options))])).Value;
}
