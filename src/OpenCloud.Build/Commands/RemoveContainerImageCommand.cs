using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Removes images.</summary>
// Uses a piped image itself, not its name, which all untagged images share.
[Cmdlet(VerbsCommon.Remove, "ContainerImage", DefaultParameterSetName = ObjectSet, SupportsShouldProcess = true)]
public sealed class RemoveContainerImageCommand : ImageStoreCmdlet
{
    private const string NameSet = "Name";
    private const string ObjectSet = "InputObject";

    /// <summary>The names.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("References", "Reference")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Images from Get-ContainerImage.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ObjectSet, ValueFromPipeline = true)]
    public ContainerImage[] InputObject { get; set; } = [];

    /// <summary>The containerd namespaces.</summary>
    [Parameter(ParameterSetName = NameSet, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string[] Namespace { get; set; } = [ImageStores.DefaultNamespace];

    /// <summary>Also removes images that stopped containers use.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == NameSet)
        {
            Guard(Name, () =>
            {
                CheckRecord();
                IImageStore store = Store();
                RunAsync(async (poster, cancellationToken) =>
                {
                    IReadOnlyList<string> namespaces = await NamespaceArguments.ExpandAsync(store, Namespace, cancellationToken).ConfigureAwait(false);
                    if (!store.HasNamespaces || namespaces.Count > 0)
                    {
                        await RemoveAsync(store, await FindAsync(store, Name, namespaces, poster, cancellationToken).ConfigureAwait(false), poster, cancellationToken).ConfigureAwait(false);
                    }
                });
            });
            return;
        }

        foreach (ContainerImage image in InputObject)
        {
            Guard(image, () =>
            {
                IImageStore store = StoreOf(image);
                RunAsync((poster, cancellationToken) => RemoveAsync(store, [image], poster, cancellationToken));
            });
        }
    }

    private async Task RemoveAsync(IImageStore store, IReadOnlyList<ContainerImage> images, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        foreach (ContainerImage image in images)
        {
            string target = store.HasNamespaces ? $"{image.Name} in namespace {image.Namespace} of {store.Description}" : $"{image.Name} ({image.Id}) in {store.Description}";
            if (!await poster.InvokeAsync(() => ShouldProcess(target, $"Remove the image, {ByteText.Of(image.Size)}")).ConfigureAwait(false))
            {
                continue;
            }

            try
            {
                if (!await store.RemoveAsync(image.Namespace, image.GetStoreName(), Force, cancellationToken).ConfigureAwait(false))
                {
                    poster.Error(ErrorCatalog.ImageNotFound.ToRecord(image, null, image.Name, store.Description, string.Empty));
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException && ToRecord(exception, image) is { } record)
            {
                poster.Error(record);
            }
        }
    }
}
