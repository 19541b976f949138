using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Images.Docker;

/// <summary>The images of a Docker Engine, whichever store it uses.</summary>
internal sealed class DockerImageStore(DockerEngineClient client) : IImageStore
{
    private const int InspectionsAtOnce = 8;

    // Listings report the platforms of an image since this version of the API; exports can select them since the other.
    private static readonly Version ManifestsApi = new(1, 47);
    private static readonly Version PlatformApi = new(1, 48);

    public string Description => $"Docker Engine at {client.Address}";

    public bool HasNamespaces => false;

    public Task<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>([]);

    public async IAsyncEnumerable<ContainerImage> ListAsync(ImageQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        EngineFacts facts = await client.GetFactsAsync(cancellationToken).ConfigureAwait(false);
        DockerImageReader reader = new(client.Address.ToString(), facts);
        string path = facts.Api >= ManifestsApi && !query.NamesOnly ? "/images/json?manifests=1" : "/images/json";
        List<ContainerImage> images = new();
        await foreach (JsonElement summary in client.ListAsync(path, cancellationToken).ConfigureAwait(false))
        {
            images.AddRange(reader.Read(summary).Where(image =>
                (query.MatchesDigest(image.Digest) || query.MatchesDigest(image.Id))
                && (query.Dangling is null || query.Dangling == image.IsDangling)
                && (query.Name is null || query.Name(image.Name))));
        }

        images.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name) is var order and not 0 ? order : string.CompareOrdinal(a.Id, b.Id));
        BoundedCache<string, JsonElement?> inspections = new(64);
        IAsyncEnumerable<ContainerImage> inspected = OrderedReads.RunAsync(
            images,
            InspectionsAtOnce,
            async (image, stop) =>
            {
                if (image.Platforms.Count > 0 || query.NamesOnly)
                {
                    return image;
                }

                // Removed since the listing, or another error: the data of the listing stays valid.
                JsonElement? inspection = await inspections.GetAsync(image.Id, 1, () => client.GetAsync(PathOf(image.Id) + "/json", stop)).ConfigureAwait(false);
                return inspection is { } found ? DockerImageReader.WithInspection(image, found) : image;
            },
            cancellationToken);
        await foreach (ContainerImage? image in inspected.ConfigureAwait(false))
        {
            if (query.MatchesPlatform(image))
            {
                yield return image;
            }
        }
    }

    public Task<bool> RemoveAsync(string @namespace, string name, bool force, CancellationToken cancellationToken) =>
        client.ChangeAsync(HttpMethod.Delete, $"{PathOf(name)}?force={(force ? 1 : 0)}", cancellationToken);

    public async Task CopyAsync(string @namespace, string name, string newName, bool force, CancellationToken cancellationToken)
    {
        JsonElement image = await client.GetAsync(PathOf(name) + "/json", cancellationToken).ConfigureAwait(false)
            ?? throw new ImageNameException($"The image '{name}' does not exist in the {Description}.", exists: false);
        ImageReference reference = RequireTag(newName);
        if (!force
            && await client.GetAsync(PathOf(newName) + "/json", cancellationToken).ConfigureAwait(false) is { } there
            && DockerJson.Text(there, "Id") != DockerJson.Text(image, "Id"))
        {
            throw new ImageNameException($"'{newName}' already exists in the {Description} and is another image ({DockerJson.Text(there, "Id")}).", exists: true);
        }

        await TagAsync(name, reference, cancellationToken).ConfigureAwait(false);
    }

    public async Task ExportAsync(string @namespace, IReadOnlyList<string> names, IReadOnlyList<Platform> platforms, IArchiveOutput output, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        List<(string Name, string Id)> ids = new();
        foreach (string name in names)
        {
            JsonElement image = await client.GetAsync(PathOf(name) + "/json", cancellationToken).ConfigureAwait(false)
                ?? throw new ImageNameException($"The image '{name}' does not exist in the {Description}.", exists: false);
            ids.Add((name, DockerJson.Text(image, "Id")));
        }

        using ImageArchive archive = await SaveAsync(names, platforms, cancellationToken).ConfigureAwait(false);
        List<ImageToWrite> images = new();
        foreach (ArchivedImage image in archive.Images)
        {
            ImageTree tree = await ImageTree.ReadAsync(archive, image.Target, platforms, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<string> own = image.Names.Count > 0 ? image.Names : [.. ids.Where(i => i.Id == image.Target.Digest.ToString() || archive.Images.Count == 1).Select(static i => i.Name)];
            ImageCompleteness.Check(tree, own.Count > 0 ? own[0] : image.Target.Digest.ToString(), platforms);
            images.Add(new ImageToWrite(image.Target, own, tree));
        }

        await ImageArchiveWriter.WriteAsync(output, images, archive, progress, cancellationToken).ConfigureAwait(false);
    }

    public async Task<bool> KeepsPlatformsAsync(CancellationToken cancellationToken) => (await client.GetFactsAsync(cancellationToken).ConfigureAwait(false)).UsesContainerd;

    public async Task<OpenedImage> OpenAsync(string @namespace, string name, IReadOnlyList<Platform> platforms, CancellationToken cancellationToken)
    {
        if (await client.GetAsync(PathOf(name) + "/json", cancellationToken).ConfigureAwait(false) is null)
        {
            throw new ImageNameException($"The image '{name}' does not exist in the {Description}.", exists: false);
        }

        ImageArchive archive = await SaveAsync([name], platforms, cancellationToken).ConfigureAwait(false);
        if (archive.Images is [var image])
        {
            return new OpenedImage(image.Target, archive, archive);
        }

        archive.Dispose();
        throw new OciFormatException($"The {Description} saved {archive.Images.Count} images for '{name}'.");
    }

    public async Task<ImageImportResult> ImportAsync(string @namespace, IBlobSource source, OciDescriptor target, IReadOnlyList<string> names, ImageImportOptions options, CancellationToken cancellationToken)
    {
        List<ImageReference> references = names.Select(RequireTag).ToList();
        ImageTree tree = await ImageTree.ReadAsync(source, target, options.Platforms, cancellationToken).ConfigureAwait(false);
        ImageCompleteness.Check(tree, names.Count > 0 ? names[0] : target.Digest.ToString(), options.Platforms);
        if (!options.Force && await FindAsync(tree, cancellationToken).ConfigureAwait(false) is { } id)
        {
            foreach (ImageReference reference in references)
            {
                await TagAsync(id, reference, cancellationToken).ConfigureAwait(false);
            }

            return new ImageImportResult(0, 0, tree.Nodes.Count);
        }

        // An engine keeps what it received before an error, so everything is verified before the first byte is sent.
        ParallelOptions side = new() { MaxDegreeOfParallelism = options.AtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(tree.Nodes, side, async (node, stop) =>
        {
            VerifyingStream content = new(await source.OpenAsync(node.Descriptor.Digest, stop).ConfigureAwait(false), node.Descriptor, source.Location);
            await using (content.ConfigureAwait(false))
            {
                await TarOutput.CopyAsync(content, Stream.Null, stop).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);

        using ArchiveContent body = new([new ImageToWrite(target, [.. references.Select(static r => r.ToString())], tree)], source, options.Progress);
        await client.SendAsync("/images/load?quiet=1", body, cancellationToken).ConfigureAwait(false);
        return new ImageImportResult(tree.Nodes.Sum(static n => n.Descriptor.Size), tree.Nodes.Count, 0);
    }

    public ValueTask DisposeAsync() => client.DisposeAsync();

    // The API wants the slashes of a name as they are.
    private static string PathOf(string name) => "/images/" + string.Join('/', name.Split('/').Select(Uri.EscapeDataString));

    private static string Json(Platform platform) =>
        platform.Variant.Length == 0
            ? $$"""{"os":"{{platform.OperatingSystem}}","architecture":"{{platform.Architecture}}"}"""
            : $$"""{"os":"{{platform.OperatingSystem}}","architecture":"{{platform.Architecture}}","variant":"{{platform.Variant}}"}""";

    private ImageReference RequireTag(string name) =>
        ImageReference.TryParse(name, out ImageReference? reference, out ImageReferenceError? error) && reference.Digest is null
            ? reference.WithDefaultTag()
            : throw new ImageNameException($"Invalid image name '{name}' for the {Description}: {error?.ToString() ?? "it contains a digest"}.", exists: false);

    private Task TagAsync(string name, ImageReference reference, CancellationToken cancellationToken) =>
        client.ChangeAsync(HttpMethod.Post, $"{PathOf(name)}/tag?repo={Uri.EscapeDataString(reference.Name)}&tag={Uri.EscapeDataString(reference.Tag!)}", cancellationToken);

    // The engine's archive is read back from a file: its contents are verified against their digests before they are passed on,
    // and both formats are the same whatever the engine's age.
    private async Task<ImageArchive> SaveAsync(IReadOnlyList<string> names, IReadOnlyList<Platform> platforms, CancellationToken cancellationToken)
    {
        EngineFacts facts = await client.GetFactsAsync(cancellationToken).ConfigureAwait(false);
        string query = string.Join('&', names.Select(static n => "names=" + Uri.EscapeDataString(n)));
        if (platforms.Count == 1 && facts.Api >= PlatformApi)
        {
            query += "&platform=" + Uri.EscapeDataString(Json(platforms[0]));
        }

        return await TemporaryFile.OpenAsync(
            file => client.CopyToAsync("/images/get?" + query, file, cancellationToken),
            path => ImageArchive.OpenAsync(path, cancellationToken)).ConfigureAwait(false);
    }

    // containerd's store knows an image by the digest of its target, a graph driver by that of its configuration.
    private async Task<string?> FindAsync(ImageTree tree, CancellationToken cancellationToken)
    {
        EngineFacts facts = await client.GetFactsAsync(cancellationToken).ConfigureAwait(false);
        string? id = facts.UsesContainerd
            ? tree.Target.Digest.ToString()
            : ConfigsOf(tree) is [var only] ? only : null;
        if (id is null || await client.GetAsync(PathOf(id) + "/json", cancellationToken).ConfigureAwait(false) is not { } image || DockerJson.Text(image, "Id") != id)
        {
            return null;
        }

        // Otherwise the platforms that an engine lists and does not have would be skipped for good.
        if (facts.UsesContainerd && facts.Api >= PlatformApi
            && await client.GetAsync(PathOf(id) + "/json?manifests=1", cancellationToken).ConfigureAwait(false) is { } detail
            && DockerJson.Find(detail, "Manifests") is { ValueKind: JsonValueKind.Array } manifests)
        {
            HashSet<string> there = manifests.EnumerateArray().Where(static m => DockerJson.Flag(m, "Available")).Select(static m => DockerJson.Text(m, "ID")).ToHashSet();
            if (tree.Nodes.Any(n => OciMediaTypes.IsManifest(n.Descriptor.MediaType) && !n.Descriptor.IsAttestation && !there.Contains(n.Descriptor.Digest.ToString())))
            {
                return null;
            }
        }

        return id;
    }

    // An attestation has a configuration, too, but it identifies no image.
    private static List<string> ConfigsOf(ImageTree tree) =>
    [
        .. tree.Nodes.Where(static n => OciMediaTypes.IsManifest(n.Descriptor.MediaType) && !n.Descriptor.IsAttestation)
            .SelectMany(static n => n.Children).Where(static c => OciMediaTypes.IsConfig(c.MediaType)).Select(static c => c.Digest.ToString()).Distinct(),
    ];

    /// <summary>An archive as the body of a request, written while it is sent.</summary>
    private sealed class ArchiveContent(IReadOnlyList<ImageToWrite> images, IBlobSource source, IProgress<long>? progress) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
            ImageArchiveWriter.WriteAsync(new TarOutput(stream), images, source, progress, cancellationToken);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
