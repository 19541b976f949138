using System.Net;
using System.Net.Http.Headers;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>One repository of a registry; reads may use the registry's mirrors.</summary>
internal sealed class RegistryRepository(IReadOnlyList<RegistryConnection> connections, string registry, string path, RegistryOptions options)
{
    private static readonly string[] Accepted = [OciMediaTypes.Index, OciMediaTypes.Manifest, OciMediaTypes.DockerManifestList, OciMediaTypes.DockerManifest];

    private readonly string[] _pull = [$"repository:{path}:pull"];
    private readonly string[] _push = [$"repository:{path}:pull,push"];

    public string Registry { get; } = registry;

    public string Path { get; } = path;

    public string Name => $"{Registry}/{Path}";

    public RegistryOptions Options { get; } = options;

    /// <exception cref="RegistryException">The registry refused, or the bytes have another digest.</exception>
    public Task<RegistryManifest?> FindManifestAsync(string tagOrDigest, CancellationToken cancellationToken) =>
        FirstAsync(Readers(!ContentDigest.TryParse(tagOrDigest, out _)), c => FindManifestAsync(c, tagOrDigest, cancellationToken), cancellationToken);

    public async Task<RegistryManifest> GetManifestAsync(string tagOrDigest, CancellationToken cancellationToken) =>
        await FindManifestAsync(tagOrDigest, cancellationToken).ConfigureAwait(false)
            ?? throw new RegistryException(RegistryFailure.NotFound, Registry, $"The registry {Registry} does not have '{Path}{(ContentDigest.TryParse(tagOrDigest, out _) ? '@' : ':')}{tagOrDigest}'.");

    /// <summary>Asks the registry itself, by HEAD where it returns the digest; null when there is no such manifest.</summary>
    public async Task<ContentDigest?> ResolveAsync(string tagOrDigest, CancellationToken cancellationToken)
    {
        RegistryConnection connection = Writer;
        string what = $"the manifest '{Path}:{tagOrDigest}'";
        using HttpResponseMessage answer = await connection.SendAsync(HttpMethod.Head, ManifestPath(tagOrDigest), _pull, Accept, what, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.OK).ConfigureAwait(false);
        return answer.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? values) && ContentDigest.TryParse(values.First(), out ContentDigest digest)
            ? digest
            : (await GetManifestAsync(tagOrDigest, cancellationToken).ConfigureAwait(false)).Descriptor.Digest;
    }

    public async Task PutManifestAsync(string tagOrDigest, string mediaType, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        RegistryConnection connection = Writer;
        string what = $"the manifest '{Path}:{tagOrDigest}'";
        using HttpResponseMessage answer = await connection.SendAsync(
            HttpMethod.Put,
            ManifestPath(tagOrDigest),
            _push,
            message =>
            {
                message.Content = new ReadOnlyMemoryContent(bytes);
                message.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(mediaType);
            },
            what,
            cancellationToken).ConfigureAwait(false);
        await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.Accepted).ConfigureAwait(false);
        ContentDigest sent = ContentDigest.Of(bytes.Span);
        if (answer.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? values) && ContentDigest.TryParse(values.First(), out ContentDigest kept) && kept.Algorithm == sent.Algorithm && kept != sent)
        {
            throw new RegistryException(RegistryFailure.Invalid, Registry, $"The registry {Registry} stored {what} with the digest {kept} instead of {sent}.");
        }
    }

    /// <summary>Whether the registry itself, not a mirror, has a content.</summary>
    public async Task<bool> HasBlobAsync(OciDescriptor descriptor, CancellationToken cancellationToken)
    {
        RegistryConnection connection = Writer;
        string what = $"the blob {descriptor.Digest} of '{Path}'";
        using HttpResponseMessage answer = await connection.SendAsync(HttpMethod.Head, BlobPath(descriptor.Digest), _push, null, what, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.OK).ConfigureAwait(false);
        return answer.Content.Headers.ContentLength is not { } length || length == descriptor.Size;
    }

    /// <summary>Opens a content, unverified. The stream resumes after a cut connection.</summary>
    public async Task<Stream> OpenBlobAsync(OciDescriptor descriptor, CancellationToken cancellationToken) =>
        await FirstAsync<Stream>(
            Readers(false),
            async c => await RegistryBlobStream.OpenAsync(c, Name, BlobPath(descriptor.Digest), _pull, descriptor, Options, cancellationToken).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false)
        ?? throw new RegistryException(RegistryFailure.NotFound, Registry, $"The registry {Registry} does not have the blob {descriptor.Digest} in '{Path}'.");

    public BlobUpload Upload() => new(Writer, Path, Options);

    public IAsyncEnumerable<string> ListTagsAsync(CancellationToken cancellationToken) => new RegistryLists(Writer, Path, _pull).ListTagsAsync(cancellationToken);

    public async Task<IReadOnlyList<OciDescriptor>> ListReferrersAsync(ContentDigest digest, CancellationToken cancellationToken)
    {
        if (await new RegistryLists(Writer, Path, _pull).ListReferrersAsync(digest, cancellationToken).ConfigureAwait(false) is { } listed)
        {
            return listed;
        }

        // distribution-spec, Referrers Tag Schema: registries without the referrers API keep the list under a tag.
        RegistryManifest? kept = await FindManifestAsync($"{digest.Algorithm}-{digest.Hex}", cancellationToken).ConfigureAwait(false);
        return kept is not null && OciMediaTypes.IsIndex(kept.Descriptor.MediaType)
            ? OciManifest.Parse(kept.Bytes, kept.Descriptor.MediaType, $"{Name}@{kept.Descriptor.Digest}").Manifests
            : [];
    }

    private RegistryConnection Writer => connections.LastOrDefault(static c => c.Endpoint.CanPush) ?? connections[^1];

    private static void Accept(HttpRequestMessage message)
    {
        foreach (string type in Accepted)
        {
            message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        }
    }

    private string ManifestPath(string tagOrDigest) => $"{Path}/manifests/{tagOrDigest}";

    private string BlobPath(ContentDigest digest) => $"{Path}/blobs/{digest}";

    private List<RegistryConnection> Readers(bool resolves) => [.. connections.Where(c => c == connections[^1] || (c.Endpoint.CanPull && (!resolves || c.Endpoint.CanResolve)))];

    // A mirror that fails or lacks the content only causes a notice; the registry's own answer decides.
    private async Task<T?> FirstAsync<T>(List<RegistryConnection> readers, Func<RegistryConnection, Task<T?>> read, CancellationToken cancellationToken)
        where T : class
    {
        foreach (RegistryConnection mirror in readers.SkipLast(1))
        {
            try
            {
                if (await read(mirror).ConfigureAwait(false) is { } found)
                {
                    return found;
                }
            }
            catch (Exception e) when (e is RegistryException or OciFormatException)
            {
                Options.OnNotice?.Invoke($"The mirror {mirror.Host} is skipped: {e.Message}");
            }

            cancellationToken.ThrowIfCancellationRequested();
        }

        return await read(readers[^1]).ConfigureAwait(false);
    }

    private async Task<RegistryManifest?> FindManifestAsync(RegistryConnection connection, string tagOrDigest, CancellationToken cancellationToken)
    {
        string what = $"the manifest '{Path}{(ContentDigest.TryParse(tagOrDigest, out ContentDigest wanted) ? '@' : ':')}{tagOrDigest}'";
        for (int attempt = 1; ; attempt++)
        {
            using HttpResponseMessage answer = await connection.SendAsync(HttpMethod.Get, ManifestPath(tagOrDigest), _pull, Accept, what, cancellationToken).ConfigureAwait(false);
            if (answer.StatusCode == HttpStatusCode.NotFound)
            {
                return null;
            }

            await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.OK).ConfigureAwait(false);
            byte[] bytes;
            try
            {
                bytes = await RegistryAnswers.ReadAsync(answer, OciJson.MaxManifestBytes, connection.Host, connection.StallTimeout, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                if (attempt >= Options.Attempts)
                {
                    throw connection.Unreachable(e, what);
                }

                await connection.PauseAsync(attempt, null, what, e.Message, cancellationToken).ConfigureAwait(false);
                continue;
            }

            string mediaType = answer.Content.Headers.ContentType?.MediaType ?? string.Empty;
            if (!Accepted.Contains(mediaType))
            {
                throw new RegistryException(RegistryFailure.Invalid, Registry, $"The registry {connection.Host} returned {what} with the media type '{Text.TerminalText.Name(mediaType)}', which is neither an image index nor an image manifest.");
            }

            ContentDigest actual = Hash(bytes, wanted);
            if (wanted != default && actual != wanted)
            {
                throw new RegistryException(RegistryFailure.Invalid, Registry, $"The registry {connection.Host} sent {what} with another digest, {actual}: it is damaged or was tampered with.");
            }

            if (wanted == default && answer.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? values)
                && ContentDigest.TryParse(values.First(), out ContentDigest said) && said.Algorithm == actual.Algorithm && said != actual)
            {
                throw new RegistryException(RegistryFailure.Invalid, Registry, $"The registry {connection.Host} announced {what} as {said} and sent {actual}.");
            }

            return new RegistryManifest(new OciDescriptor(mediaType, actual, bytes.Length), bytes);
        }
    }

    private static ContentDigest Hash(byte[] bytes, ContentDigest wanted)
    {
        if (wanted == default || wanted.Algorithm == "sha256")
        {
            return ContentDigest.Of(bytes);
        }

        using System.Security.Cryptography.IncrementalHash hash = wanted.CreateHash();
        hash.AppendData(bytes);
        return ContentDigest.Parse($"{wanted.Algorithm}:{Convert.ToHexStringLower(hash.GetHashAndReset())}");
    }
}
