using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Commands;

/// <summary>Lists images.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerImage", DefaultParameterSetName = StoreSet)]
[OutputType(typeof(ContainerImage))]
public sealed class GetContainerImageCommand : RegistryCmdlet
{
    private const string StoreSet = "Store";
    private const string RegistrySet = "Registry";

    /// <summary>The names.</summary>
    [Parameter(Position = 0, ParameterSetName = StoreSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("References", "Reference")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Repositories of registries.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrySet)]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    [SupportsWildcards]
    public string[] Registry { get; set; } = [];

    /// <summary>The containerd namespaces.</summary>
    [Parameter(ParameterSetName = StoreSet, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string[]? Namespace { get; set; }

    /// <summary>The beginning of the digest.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? Digest { get; set; }

    /// <summary>A platform that the image must have.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string? Platform { get; set; }

    /// <summary>Only images without a tag.</summary>
    [Parameter(ParameterSetName = StoreSet)]
    public SwitchParameter Dangling { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == RegistrySet)
        {
            foreach (string repository in Registry)
            {
                Guard(repository, () => ListRegistry(RegistryTags.Parse(repository), repository));
            }

            return;
        }

        Guard(Name, ListStore);
    }

    private void ListRegistry(RegistryTags tags, string repository)
    {
        ImageQuery query = new() { Digest = string.IsNullOrEmpty(Digest) ? null : Digest, Platform = ParsePlatform() };
        RunAsync(async (poster, cancellationToken) =>
        {
            List<ImageReference> references = [];
            await foreach (ImageReference reference in tags.ListAsync(Registries, cancellationToken).ConfigureAwait(false))
            {
                references.Add(reference);
            }

            references.Sort(static (a, b) => string.CompareOrdinal(a.Tag, b.Tag));
            bool isEmpty = true;
            await foreach (ContainerImage image in Registries.DescribeAsync(references, query, cancellationToken).ConfigureAwait(false))
            {
                isEmpty = false;
                poster.Output(image);
            }

            if (isEmpty && tags.Single is not null && query is { Digest: null, Platform: null })
            {
                poster.Error(ErrorCatalog.RegistryImageNotFound.ToRecord(repository, null, $"The registry {tags.Single.Domain} does not have '{repository}'.", tags.Single.Domain));
            }
        });
    }

    private Platform? ParsePlatform() =>
        string.IsNullOrEmpty(Platform) ? null
            : Client.Images.References.Platform.TryParse(Platform, out Platform? parsed, out string? error) ? parsed
            : throw ErrorCatalog.InvalidPlatform.ToException(Platform, null, Platform, error);

    private void ListStore()
    {
        CheckRecord();
        IImageStore store = Store();
        Platform? platform = ParsePlatform();
        ImageNames names = new(Name ?? []);
        RunAsync(async (poster, cancellationToken) =>
        {
            IReadOnlyList<string> namespaces = await NamespaceArguments.ExpandAsync(store, Namespace is null or [] or [""] ? [ImageStores.DefaultNamespace] : Namespace, cancellationToken).ConfigureAwait(false);
            if (store.HasNamespaces && namespaces.Count == 0)
            {
                return;
            }

            ImageQuery query = new()
            {
                Namespaces = namespaces,
                Name = names.Matches,
                Digest = string.IsNullOrEmpty(Digest) ? null : Digest,
                Platform = platform,
                Dangling = Dangling ? true : null,
            };
            bool isEmpty = true;
            await foreach (ContainerImage image in store.ListAsync(query, cancellationToken).ConfigureAwait(false))
            {
                isEmpty = false;
                poster.Output(image);
            }

            if (isEmpty && Name is null or [] && query.Digest is null && platform is null && !Dangling
                && await ImageWhereabouts.DescribeNeighboursAsync(store, namespaces, cancellationToken).ConfigureAwait(false) is { } neighbours)
            {
                poster.Warning(neighbours);
            }

            await ReportMissingAsync(store, names, namespaces, poster, cancellationToken).ConfigureAwait(false);
        });
    }
}
