using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Images;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <content>Copies between registries and stores.</content>
public sealed partial class CopyContainerImageCommand
{
    /// <summary>The source is in a registry.</summary>
    [Parameter]
    public SwitchParameter FromRegistry { get; set; }

    /// <summary>The destinations are in registries.</summary>
    [Parameter]
    public SwitchParameter ToRegistry { get; set; }

    /// <summary>Another store for the destinations.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ImageStoreCompleter))]
    public string? DestinationAddress { get; set; }

    /// <summary>The containerd namespace of the destinations.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string? DestinationNamespace { get; set; }

    /// <summary>The platforms to copy.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    // PowerShell takes the default set for an image whose name it can bind.
    private ContainerImage? Image => InputObject ?? Record?.BaseObject as ContainerImage;

    private bool IsFromRegistry => FromRegistry || (Image is { } image && IsInRegistry(image));

    private bool IsTransfer => IsFromRegistry || ToRegistry || !string.IsNullOrEmpty(DestinationAddress) || !string.IsNullOrEmpty(DestinationNamespace) || Platform is { Length: > 0 };

    private void Transfer(List<ImageReference> destinations)
    {
        List<Platform> platforms = PlatformArguments.Parse(Platform);
        ImageReference? origin = IsFromRegistry ? ParseReference(Image?.Reference ?? _source).WithDefaultTag() : null;
        IImageStore? from = origin is not null ? null : InputObject is null ? Store() : StoreOf(InputObject);
        IImageStore? to = ToRegistry ? null : !string.IsNullOrEmpty(DestinationAddress) ? Store(DestinationAddress) : from ?? Store();
        string @namespace = from is not { HasNamespaces: true } ? string.Empty : Image?.Namespace ?? NamespaceArguments.Check(Namespace);
        string target = to is not { HasNamespaces: true } ? string.Empty
            : NamespaceArguments.Check(new[] { DestinationNamespace, @namespace, Namespace }.FirstOrDefault(static n => !string.IsNullOrEmpty(n)) ?? ImageStores.DefaultNamespace);
        RunAsync(async (poster, cancellationToken) =>
        {
            IReadOnlyList<string> namespaces = from is { HasNamespaces: true } ? [@namespace] : [];
            string? source = origin?.ToString() ?? Image?.GetStoreName() ?? (await ResolveAsync(Using(from!), _source, namespaces, poster, cancellationToken).ConfigureAwait(false))?.GetStoreName();
            if (source is null
                || !await poster.InvokeAsync(() => ShouldProcess(source, $"Copy to {string.Join(", ", destinations)}{(to is null ? string.Empty : $" in the {to.Description}")}")).ConfigureAwait(false))
            {
                return;
            }

            TransferProgress progress = new(poster, $"Copying {source}");
            if (origin is not null && to is not null)
            {
                IReadOnlyList<Platform> wanted = platforms.Count == 0 && !await Using(to).KeepsPlatformsAsync(cancellationToken).ConfigureAwait(false) ? [Client.Images.References.Platform.Current] : platforms;
                RegistryImage image = await Registries.OpenAsync(origin, wanted, progress, cancellationToken).ConfigureAwait(false);
                await image.CheckPlatformAsync(platforms, cancellationToken).ConfigureAwait(false);
                await CheckAsync(image.Open(), Using(to), target, destinations, cancellationToken).ConfigureAwait(false);
                progress.SetTotal(image.ContentSize);
                ImageImportResult result = await image.ImportAsync(Using(to), target, [.. destinations.Select(static d => d.ToString())], cancellationToken).ConfigureAwait(false);
                Report(poster, source, destinations, image.Target.Digest.ToString(), image.Platforms, to, target, result);
                return;
            }

            using OpenedImage opened = origin is not null
                ? (await Registries.OpenAsync(origin, platforms, null, cancellationToken).ConfigureAwait(false)).Open()
                : await Using(from!).OpenAsync(@namespace, source, platforms, cancellationToken).ConfigureAwait(false);
            if (to is not null)
            {
                await CheckAsync(opened, Using(to), target, destinations, cancellationToken).ConfigureAwait(false);
                ImageImportOptions options = new(platforms, false, progress);
                ImageImportResult result = await Using(to).ImportAsync(target, opened.Source, opened.Target, [.. destinations.Select(static d => d.ToString())], options, cancellationToken).ConfigureAwait(false);
                Report(poster, source, destinations, opened.Target.Digest.ToString(), platforms, to, target, result);
                return;
            }

            foreach (IGrouping<string, ImageReference> repository in destinations.GroupBy(static d => d.Name, StringComparer.Ordinal))
            {
                ImagePushResult result = await Registries.SendAsync(opened, [.. repository], platforms, progress, progress.SetTotal, cancellationToken).ConfigureAwait(false);
                Report(poster, source, [.. repository], result.Target.Digest.ToString(), result.Platforms, null, string.Empty, new ImageImportResult(result.BytesSent, result.Sent, result.Present), result.Mounted);
            }
        });
    }

    // Before anything moves: a name that exists keeps its image, as in a copy within a store.
    private Task CheckAsync(OpenedImage image, IImageStore store, string @namespace, List<ImageReference> destinations, CancellationToken cancellationToken) =>
        Force ? Task.CompletedTask : image.CheckNamesAsync(store, @namespace, destinations, cancellationToken);

    private void Report(
        IPipelinePoster poster, string source, IReadOnlyList<ImageReference> destinations, string digest, IReadOnlyList<Platform> platforms, IImageStore? store, string @namespace, ImageImportResult result, int mounted = 0)
    {
        poster.Verbose($"{source}: {result.ContentsMoved} blobs copied ({result.BytesMoved} bytes), {mounted} mounted, {result.ContentsPresent} already present.");
        if (PassThru)
        {
            poster.Output(new ContainerImageTransfer
            {
                References = [.. destinations.Select(static d => d.ToString())],
                Digest = digest,
                Source = source,
                Platforms = [.. platforms.Select(static p => p.ToString())],
                Store = store is null ? string.Empty : AddressOf(store),
                Namespace = @namespace,
                BytesMoved = result.BytesMoved,
                ContentsMoved = result.ContentsMoved,
                ContentsMounted = mounted,
                ContentsPresent = result.ContentsPresent,
            });
        }
    }
}
