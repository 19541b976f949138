using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Receives images from registries.</summary>
[Cmdlet(VerbsCommunications.Receive, "ContainerImage", DefaultParameterSetName = StoreSet, SupportsShouldProcess = true)]
[Alias("Pull-ContainerImage")]
[OutputType(typeof(ContainerImageTransfer))]
public sealed class ReceiveContainerImageCommand : RegistryCmdlet
{
    private const string StoreSet = "Store";
    private const string PathSet = "Path";

    private int _images;

    /// <summary>The references.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("References", "Reference")]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The names in the store.</summary>
    [Parameter(Position = 1)]
    [Alias("Tag")]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[]? NewName { get; set; }

    /// <summary>The platforms to receive.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    /// <summary>The containerd namespace.</summary>
    [Parameter(ParameterSetName = StoreSet)]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string Namespace { get; set; } = ImageStores.DefaultNamespace;

    /// <summary>The destination file or directory, instead of the store.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [Alias("OutFile")]
    public string Path { get; set; } = string.Empty;

    /// <summary>What to write.</summary>
    [Parameter(ParameterSetName = PathSet)]
    public ImageArchiveFormat Format { get; set; } = ImageArchiveFormat.Tar;

    /// <summary>Overwrites an existing file.</summary>
    [Parameter(ParameterSetName = PathSet)]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(Name, () =>
    {
        CheckRecord();

        // A second image of the pipeline would take the name of the first.
        _images += Name.Length;
        if (NewName is { Length: > 0 } && _images > 1)
        {
            string given = Name.Length > 1 ? string.Join(", ", Name) : "the pipeline";
            throw ErrorCatalog.NameForSeveralImages.ToException(Name, null, given, _images);
        }

        foreach (string name in Name)
        {
            Guard(name, () => Receive(ParseReference(name).WithDefaultTag()));
        }
    });

    // The store that has the piped image already; the address of a build is that of its engine.
    private IImageStore TargetStore()
    {
        if (IsOnCommandLine(nameof(Address)) || Record?.BaseObject is null or string)
        {
            return Store(Address);
        }

        string? store = Record.Properties[nameof(ContainerImage.Store)]?.Value as string ?? (Record.BaseObject is PSCustomObject ? Address : null);
        return Store(string.IsNullOrEmpty(store) || IsRegistry(store) ? null : store);
    }

    private void Receive(ImageReference reference)
    {
        List<ImageReference> names = NewName is { Length: > 0 } ? [.. NewName.Select(ParseDestination)] : [reference];
        List<Platform> platforms = PlatformArguments.Parse(Platform);
        if (ParameterSetName == PathSet)
        {
            string path = DirectoryArguments.ResolveLiteral(this, Path);
            NewFile file = NewFile.Prepare(path, Format == ImageArchiveFormat.Directory, Force);
            if (ShouldProcess(path, $"Write {reference}"))
            {
                RunAsync((poster, cancellationToken) => WriteAsync(reference, names, platforms, file, path, poster, cancellationToken));
            }

            return;
        }

        IImageStore store = TargetStore();
        string @namespace = store.HasNamespaces ? NamespaceArguments.Check(Namespace) : string.Empty;
        if (!store.HasNamespaces && names.Any(static n => n.Digest is not null))
        {
            throw ErrorCatalog.TagWithDigest.ToException(reference.ToString(), null, reference.ToString());
        }

        if (ShouldProcess(reference.ToString(), $"Receive into the {store.Description}"))
        {
            RunAsync((poster, cancellationToken) => ImportAsync(reference, names, platforms, store, @namespace, poster, cancellationToken));
        }
    }

    private async Task ImportAsync(
        ImageReference reference, List<ImageReference> names, List<Platform> platforms, IImageStore store, string @namespace, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        if (platforms.Count == 0 && !await store.KeepsPlatformsAsync(cancellationToken).ConfigureAwait(false))
        {
            platforms = [Client.Images.References.Platform.Current];
        }

        RegistryImage image = await OpenAsync(reference, platforms, poster, cancellationToken).ConfigureAwait(false);
        string[] references = [.. names.Select(static n => n.ToString())];
        ImageImportResult result = await image.ImportAsync(store, @namespace, references, cancellationToken).ConfigureAwait(false);
        poster.Output(Result(image, references) with
        {
            Store = AddressOf(store),
            Namespace = @namespace,
            BytesMoved = result.BytesMoved,
            ContentsMoved = result.ContentsMoved,
            ContentsPresent = result.ContentsPresent,
        });
    }

    private async Task WriteAsync(ImageReference reference, List<ImageReference> names, List<Platform> platforms, NewFile file, string path, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        RegistryImage image = await OpenAsync(reference, platforms, poster, cancellationToken).ConfigureAwait(false);
        string[] references = [.. names.Select(static n => n.ToString())];
        await file.WriteAsync(output => image.WriteAsync(output, references, cancellationToken), cancellationToken).ConfigureAwait(false);
        poster.Output(Result(image, references) with { Path = path, BytesMoved = image.Size, ContentsMoved = image.Count });
    }

    private async Task<RegistryImage> OpenAsync(ImageReference reference, IReadOnlyList<Platform> platforms, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        TransferProgress progress = new(poster, $"Receiving {reference}");
        RegistryImage image = await Registries.OpenAsync(reference, platforms, progress, cancellationToken).ConfigureAwait(false);
        await image.CheckPlatformAsync(PlatformArguments.Parse(Platform), cancellationToken).ConfigureAwait(false);
        progress.SetTotal(image.ContentSize);
        return image;
    }

    private static ContainerImageTransfer Result(RegistryImage image, IReadOnlyList<string> references) => new()
    {
        References = references,
        Digest = image.Target.Digest.ToString(),
        Source = image.Reference.ToString(),
        Platforms = [.. image.Platforms.Select(static p => p.ToString())],
    };
}
