using System.Runtime.CompilerServices;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>Names that a store has already, before an image comes there under them.</summary>
public sealed class TakenNameTests
{
    private static readonly string Other = $"sha256:{new string('0', 64)}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, "docker.io/library/app:1")]
    [InlineData(false, "app:1")]
    public async Task AName_IsFreeForItsOwnImageAlone(bool hasNamespaces, string stored)
    {
        MadeImage made = new();
        using OpenedImage image = new(made.Target, made);
        await CheckAsync(image, new MadeStore(hasNamespaces, stored, made.Target.Digest.ToString()));
        await CheckAsync(image, new MadeStore(hasNamespaces, "another:1", Other));
        ImageNameException taken = await Assert.ThrowsAsync<ImageNameException>(() => CheckAsync(image, new MadeStore(hasNamespaces, stored, Other)));
        Assert.True(taken.Exists);
    }

    [Fact]
    public async Task AnImageThatAStoreKnowsByItsConfiguration_IsTheSame()
    {
        MadeImage made = new();
        using OpenedImage image = new(made.Target, made);
        OciDescriptor config = OciManifest.Parse(made[made.Amd.Digest], OciMediaTypes.Manifest, "made").Config!;
        await CheckAsync(image, new MadeStore(false, "app:1", config.Digest.ToString()));
    }

    private static Task CheckAsync(OpenedImage image, MadeStore store) => image.CheckNamesAsync(store, "made", [ImageReference.Parse("app:1")], Cancellation);

    private sealed class MadeStore(bool hasNamespaces, string name, string id) : IImageStore
    {
        public string Description => "made store";

        public bool HasNamespaces => hasNamespaces;

        public async IAsyncEnumerable<ContainerImage> ListAsync(ImageQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.CompletedTask;
            if (query.Name!(name) && query.Namespaces.Count == (hasNamespaces ? 1 : 0))
            {
                yield return new ContainerImage { Name = name, StoreName = name, Repository = name, Id = id, Store = "made" };
            }
        }

        public Task<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> RemoveAsync(string @namespace, string name, bool force, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task CopyAsync(string @namespace, string name, string newName, bool force, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task ExportAsync(string @namespace, IReadOnlyList<string> names, IReadOnlyList<Platform> platforms, IArchiveOutput output, IProgress<long>? progress, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<bool> KeepsPlatformsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<OpenedImage> OpenAsync(string @namespace, string name, IReadOnlyList<Platform> platforms, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<ImageImportResult> ImportAsync(
            string @namespace, IBlobSource source, OciDescriptor target, IReadOnlyList<string> names, ImageImportOptions options, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
