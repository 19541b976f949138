using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Sends images to registries.</summary>
[Cmdlet(VerbsCommunications.Send, "ContainerImage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[Alias("Push-ContainerImage")]
[OutputType(typeof(ContainerImageTransfer))]
public sealed class SendContainerImageCommand : RegistryCmdlet
{
    private const string NameSet = "Name";
    private const string ObjectSet = "InputObject";
    private const string PathSet = "Path";

    private int _images;

    /// <summary>The names in the store.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("References", "Reference")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Images from Get-ContainerImage.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ObjectSet, ValueFromPipeline = true)]
    public ContainerImage[] InputObject { get; set; } = [];

    /// <summary>Archives and layouts.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    public string[] Path { get; set; } = [];

    /// <summary>The references in registries.</summary>
    [Parameter(Position = 1)]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    public string[]? Destination { get; set; }

    /// <summary>The platforms to send.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    /// <summary>The containerd namespace.</summary>
    [Parameter(ParameterSetName = NameSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string Namespace { get; set; } = ImageStores.DefaultNamespace;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // PowerShell takes the default set for an object whose name it can bind; all untagged images share one.
        ContainerImage[] images = ParameterSetName == ObjectSet ? InputObject : Record?.BaseObject is ContainerImage piped ? [piped] : [];
        int listed = ParameterSetName == PathSet ? Path.Length : images.Length;
        if (Destination is { Length: > 0 } && listed > 1)
        {
            // Not even the first is sent.
            WriteError(ErrorCatalog.DestinationForSeveralImages, Destination, null, listed);
            return;
        }

        if (images.Length > 0)
        {
            foreach (ContainerImage image in images)
            {
                Guard(image, () => Send(StoreOf(image), [image]));
            }
        }
        else if (ParameterSetName == PathSet)
        {
            foreach (string path in Path)
            {
                Guard(path, () => SendArchive(ArchiveArguments.Resolve(this, path, isLiteral: true)[0]));
            }
        }
        else if (Record?.BaseObject is FileSystemInfo file)
        {
            // A file has a name, too, which PowerShell binds first.
            Guard(file.FullName, () => SendArchive(file.FullName));
        }
        else if (Record?.BaseObject is ContainerImageTransfer { Path.Length: > 0 } written)
        {
            Guard(written.Path, () => SendArchive(written.Path));
        }
        else
        {
            Guard(Name, SendNamed);
        }
    }

    private void SendNamed()
    {
        CheckRecord();
        IImageStore store = Store();
        string @namespace = store.HasNamespaces ? NamespaceArguments.Check(Namespace) : string.Empty;
        List<ContainerImage> images = [];
        RunAsync(async (poster, cancellationToken) =>
        {
            // A name without a tag is that of one image, as with docker.
            string[] names = [.. Name.Select(static n => WildcardPattern.ContainsWildcardCharacters(n) ? n
                : ImageReference.TryParse(n, out ImageReference? reference, out _) ? reference.WithDefaultTag().ToString()
                : n)];
            images = await FindAsync(store, names, store.HasNamespaces ? [@namespace] : [], poster, cancellationToken).ConfigureAwait(false);
        });
        Send(store, images);
    }

    private void Send(IImageStore store, IReadOnlyList<ContainerImage> images)
    {
        List<Platform> platforms = PlatformArguments.Parse(Platform);
        CountImages(images.Count);

        // All names are checked before the first image is sent.
        List<(ContainerImage Image, List<ImageReference> Names)> jobs = [.. images.Select(i => (i, DestinationsOf(i.Name, i.Reference is { } reference ? [reference] : [])))];
        RunAsync(async (poster, cancellationToken) =>
        {
            foreach ((ContainerImage image, List<ImageReference> names) in jobs)
            {
                await SendAsync(image.Name, names, platforms, () => store.OpenAsync(image.Namespace, image.GetStoreName(), platforms, cancellationToken), poster, cancellationToken).ConfigureAwait(false);
            }
        });
    }

    private void SendArchive(string path)
    {
        List<Platform> platforms = PlatformArguments.Parse(Platform);
        RunAsync(async (poster, cancellationToken) =>
        {
            using ImageArchive archive = await ImageArchive.OpenAsync(path, cancellationToken).ConfigureAwait(false);
            CountImages(archive.Images.Count);
            List<(ArchivedImage Image, List<ImageReference> Names)> jobs = [.. archive.Images.Select(i => (i, DestinationsOf(path, i.Names)))];
            foreach ((ArchivedImage image, List<ImageReference> names) in jobs)
            {
                await SendAsync(path, names, platforms, () => Task.FromResult(OpenedImage.Of(archive, image)), poster, cancellationToken).ConfigureAwait(false);
            }
        });
    }

    // A second image of the pipeline would replace the first at its destination.
    private void CountImages(int count)
    {
        _images += count;
        if (Destination is { Length: > 0 } && _images > 1)
        {
            throw ErrorCatalog.DestinationForSeveralImages.ToException(Destination, null, _images);
        }
    }

    private List<ImageReference> DestinationsOf(string source, IReadOnlyList<string> own)
    {
        if (Destination is { Length: > 0 })
        {
            return [.. Destination.Select(ParseDestination)];
        }

        List<ImageReference> names = [.. own.Select(static n => ImageReference.TryParse(n, out ImageReference? reference) && reference is { Digest: null, Domain.Length: > 0 } ? reference.WithDefaultTag() : null).OfType<ImageReference>()];
        return names.Count > 0 ? names : throw ErrorCatalog.ImageHasNoReference.ToException(source, null, source);
    }

    private async Task SendAsync(
        string source, List<ImageReference> names, IReadOnlyList<Platform> platforms, Func<Task<OpenedImage>> open, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        if (!await poster.InvokeAsync(() => ShouldProcess(source, $"Send to {string.Join(", ", names)}")).ConfigureAwait(false))
        {
            return;
        }

        using OpenedImage image = await open().ConfigureAwait(false);
        foreach (IGrouping<string, ImageReference> repository in names.GroupBy(static n => n.Name, StringComparer.Ordinal))
        {
            TransferProgress progress = new(poster, $"Sending {source} to {repository.Key}");
            ImagePushResult result = await Registries.SendAsync(image, [.. repository], platforms, progress, progress.SetTotal, cancellationToken).ConfigureAwait(false);
            poster.Output(new ContainerImageTransfer
            {
                References = [.. repository.Select(static n => n.ToString()).Distinct()],
                Digest = result.Target.Digest.ToString(),
                Source = source,
                Platforms = [.. result.Platforms.Select(static p => p.ToString())],
                BytesMoved = result.BytesSent,
                ContentsMoved = result.Sent,
                ContentsMounted = result.Mounted,
                ContentsPresent = result.Present,
            });
        }
    }
}
