using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Commands;

/// <summary>Gives an image another name.</summary>
[Cmdlet(VerbsCommon.Copy, "ContainerImage", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImage), typeof(ContainerImageTransfer))]
public sealed partial class CopyContainerImageCommand : RegistryCmdlet
{
    private string _source = string.Empty;

    /// <summary>The existing name; from a pipeline, the new names.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>An image from Get-ContainerImage.</summary>
    [Parameter(ValueFromPipeline = true)]
    public ContainerImage? InputObject { get; set; }

    /// <summary>The new names.</summary>
    [Parameter(Position = 1)]
    [Alias("NewName")]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[] Destination { get; set; } = [];

    /// <summary>The containerd namespace.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string Namespace { get; set; } = ImageStores.DefaultNamespace;

    /// <summary>Lets an existing name point to the image.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Returns the image with its new name.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(InputObject ?? (object)Name, () =>
    {
        CheckRecord();
        (_source, IReadOnlyList<string> names) = SourceAndNewNames(Name, Destination, InputObject, nameof(Destination));
        List<ImageReference> destinations = [.. names.Select(ParseNewName)];
        if (IsTransfer)
        {
            Transfer(destinations);
            return;
        }

        IImageStore store = InputObject is null ? Store() : StoreOf(InputObject);
        string @namespace = InputObject?.Namespace ?? (store.HasNamespaces ? NamespaceArguments.Check(Namespace) : string.Empty);
        RunAsync(async (poster, cancellationToken) =>
        {
            IReadOnlyList<string> namespaces = store.HasNamespaces ? [@namespace] : [];
            string? source = InputObject is { } image
                ? image.GetStoreName()
                : (await ResolveAsync(store, _source, namespaces, poster, cancellationToken).ConfigureAwait(false))?.GetStoreName();
            if (source is null)
            {
                return;
            }

            string place = $"{InputObject?.Name ?? _source} in {(store.HasNamespaces ? $"namespace {@namespace} of " : string.Empty)}{store.Description}";
            foreach (ImageReference destination in destinations)
            {
                string name = store.HasNamespaces ? destination.ToString() : destination.ToFamiliarString();
                if (!await poster.InvokeAsync(() => ShouldProcess(place, $"Add the name {destination.ToFamiliarString()}")).ConfigureAwait(false))
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
}
