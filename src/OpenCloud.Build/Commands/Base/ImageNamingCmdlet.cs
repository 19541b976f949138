using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that give an image of a store more names.</summary>
public abstract class ImageNamingCmdlet : ImageStoreCmdlet
{
    private protected ImageNamingCmdlet()
    {
    }

    /// <summary>The existing name; from a pipeline, the new names.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>An image from Get-ContainerImage.</summary>
    [Parameter(ValueFromPipeline = true)]
    public ContainerImage? InputObject { get; set; }

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

    /// <summary>The parameter with the new names.</summary>
    private protected abstract string NewNameParameter { get; }

    /// <summary>The given new names; empty when none are given.</summary>
    private protected abstract IReadOnlyList<string> NewNames { get; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(InputObject ?? (object)Name, () =>
    {
        CheckRecord();

        (string name, IReadOnlyList<string> given) = SourceAndNewNames(Name, NewNames, InputObject, NewNameParameter);
        foreach (string text in given)
        {
            NewName(text, name);
        }

        IImageStore store = InputObject is null ? Store() : StoreOf(InputObject);
        string @namespace = !store.HasNamespaces ? string.Empty : InputObject?.Namespace ?? NamespaceArguments.Check(Namespace);
        RunAsync(async (poster, cancellationToken) =>
        {
            IReadOnlyList<string> namespaces = store.HasNamespaces ? [@namespace] : [];
            ContainerImage? found = InputObject ?? await ResolveAsync(store, name, namespaces, poster, cancellationToken).ConfigureAwait(false);
            if (found is null)
            {
                return;
            }

            string place = store.HasNamespaces ? $"{found.Name} in namespace {@namespace} of {store.Description}" : $"{found.Name} in {store.Description}";
            foreach (ImageReference reference in given.Select(text => NewName(text, found.Name)).Distinct())
            {
                string made = store.HasNamespaces ? reference.ToString() : reference.ToFamiliarString();
                if (!await poster.InvokeAsync(() => ShouldProcess(place, $"Add the name {reference.ToFamiliarString()}")).ConfigureAwait(false))
                {
                    continue;
                }

                await store.CopyAsync(@namespace, found.GetStoreName(), made, Force, cancellationToken).ConfigureAwait(false);
                if (PassThru)
                {
                    await foreach (ContainerImage copy in store.ListAsync(new ImageQuery { Namespaces = namespaces, Name = n => n == made }, cancellationToken).ConfigureAwait(false))
                    {
                        poster.Output(copy);
                    }
                }
            }
        });
    });

    /// <summary>The new name that a text means for an image.</summary>
    private protected abstract ImageReference NewName(string text, string image);
}
