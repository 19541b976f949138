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

/// <summary>Writes images to a file or directory.</summary>
// An image of the pipeline is taken as it is, and not by its name, which all untagged images share.
[Cmdlet(VerbsData.Export, "ContainerImage", DefaultParameterSetName = ObjectSet, SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo), typeof(DirectoryInfo))]
public sealed class ExportContainerImageCommand : ImageStoreCmdlet
{
    private const string NameSet = "Name";
    private const string ObjectSet = "InputObject";

    private readonly List<(IImageStore Store, string Namespace, string Name)> _images = [];

    /// <summary>The names.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("References", "Reference")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Images as Get-ContainerImage gives them.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ObjectSet, ValueFromPipeline = true)]
    public ContainerImage[] InputObject { get; set; } = [];

    /// <summary>The file or directory to write.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [Alias("Path", "OutFile")]
    public string Destination { get; set; } = string.Empty;

    /// <summary>What to write.</summary>
    [Parameter]
    public ImageArchiveFormat Format { get; set; } = ImageArchiveFormat.Tar;

    /// <summary>The platforms to write.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    /// <summary>The namespace of containerd.</summary>
    [Parameter(ParameterSetName = NameSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string Namespace { get; set; } = ImageStores.DefaultNamespace;

    /// <summary>Replaces a file that exists.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == ObjectSet)
        {
            foreach (ContainerImage image in InputObject)
            {
                Guard(image, () =>
                {
                    IImageStore store = Store(image.Store);
                    _images.Add((store, image.Namespace, image.GetStoreName()));
                });
            }

            return;
        }

        Guard(Name, () =>
        {
            IImageStore store = Store();
            string @namespace = store.HasNamespaces ? NamespaceArguments.Check(Namespace) : string.Empty;
            RunAsync(async (poster, cancellationToken) =>
                _images.AddRange((await FindAsync(store, Name, store.HasNamespaces ? [@namespace] : [], poster, cancellationToken).ConfigureAwait(false))
                    .Select(i => (store, @namespace, i.GetStoreName()))));
        });
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_images.Count == 0)
        {
            return;
        }

        Guard(Destination, () =>
        {
            List<Platform> platforms = PlatformArguments.Parse(Platform);
            if (_images.Select(static i => (i.Store, i.Namespace)).Distinct().Count() > 1)
            {
                throw ErrorCatalog.ParameterConflict.ToException(Destination, null, "InputObject", "Destination (the images are in several stores or namespaces)");
            }

            string path = DirectoryArguments.ResolveLiteral(this, Destination);
            NewFile file = NewFile.Prepare(path, Format == ImageArchiveFormat.Directory, Force);
            if (!ShouldProcess(path, $"Write {string.Join(", ", _images.Select(static i => i.Name))}"))
            {
                return;
            }

            (IImageStore store, string @namespace, _) = _images[0];
            string[] names = [.. _images.Select(static i => i.Name).Distinct()];
            RunAsync((poster, cancellationToken) => file.WriteAsync(
                output => store.ExportAsync(@namespace, names, platforms, output, new ByteProgress(poster, $"Writing {path}"), cancellationToken),
                cancellationToken));
            WriteItem(path);
        });
    }
}
