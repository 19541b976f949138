using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Gives an image another name.</summary>
[Cmdlet(VerbsCommon.Copy, "ContainerImage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImage), typeof(ContainerImageTransfer))]
public sealed partial class CopyContainerImageCommand : RegistryCmdlet
{
    private const string NameSet = "Name";
    private const string ObjectSet = "InputObject";

    /// <summary>The name there is.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string Name { get; set; } = string.Empty;

    /// <summary>An image as Get-ContainerImage gives it.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ObjectSet, ValueFromPipeline = true)]
    public ContainerImage? InputObject { get; set; }

    /// <summary>The new names.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [Alias("NewName", "Tag")]
    public string[] Destination { get; set; } = [];

    /// <summary>The namespace of containerd.</summary>
    [Parameter(ParameterSetName = NameSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string Namespace { get; set; } = ImageStores.DefaultNamespace;

    /// <summary>Lets a name that exists point to the image.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Gives the image by its new name.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(InputObject ?? (object)Name, () =>
    {
        List<ImageReference> destinations = [.. Destination.Select(Parse)];
        if (IsTransfer)
        {
            Transfer(destinations);
            return;
        }

        IImageStore store = InputObject is null ? Store() : Store(InputObject.Store);
        string @namespace = InputObject?.Namespace ?? (store.HasNamespaces ? NamespaceArguments.Check(Namespace) : string.Empty);
        RunAsync(async (poster, cancellationToken) =>
        {
            IReadOnlyList<string> namespaces = store.HasNamespaces ? [@namespace] : [];
            string? source = InputObject is { } image
                ? image.GetStoreName()
                : await ResolveAsync(store, namespaces, poster, cancellationToken).ConfigureAwait(false);
            if (source is null)
            {
                return;
            }

            foreach (ImageReference destination in destinations)
            {
                string name = store.HasNamespaces ? destination.ToString() : destination.ToFamiliarString();
                if (!await poster.InvokeAsync(() => ShouldProcess(source, $"Add the name {name}")).ConfigureAwait(false))
                {
                    continue;
                }

                await store.CopyAsync(@namespace, source, name, Force, cancellationToken).ConfigureAwait(false);
                if (PassThru)
                {
                    await foreach (ContainerImage made in store.ListAsync(new ImageQuery { Namespaces = namespaces, Name = n => n == name }, cancellationToken).ConfigureAwait(false))
                    {
                        poster.Output(made);
                    }
                }
            }
        });
    });

    private static ImageReference Parse(string name)
    {
        if (!ImageReference.TryParse(name, out ImageReference? reference, out ImageReferenceError? error))
        {
            throw ErrorCatalog.InvalidImageReference.ToException(name, null, name, error.ToString());
        }

        return reference.Digest is null ? reference.WithDefaultTag() : throw ErrorCatalog.TagWithDigest.ToException(name, null, name);
    }

    /// <summary>The stored name; a name without a tag means latest here, since there must be exactly one source.</summary>
    private async Task<string?> ResolveAsync(IImageStore store, IReadOnlyList<string> namespaces, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        List<ContainerImage> found = await FindAsync(store, [Name], namespaces, poster, cancellationToken).ConfigureAwait(false);
        string latest = ImageReference.TryParse(Name, out ImageReference? reference) ? reference.WithDefaultTag().ToString() : Name;
        ContainerImage? exact = found.Find(i => i.GetStoreName() == Name)
            ?? found.Find(i => i.Reference == latest)
            ?? (found.Count == 1 ? found[0] : null);
        if (exact is null && found.Count > 1)
        {
            poster.Error(ErrorCatalog.ImageNotFound.ToRecord(Name, null, Name, store.Description, $" The name matches {found.Count} images; specify the tag."));
        }

        return exact?.GetStoreName();
    }
}
